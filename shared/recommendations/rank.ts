// Session in, ranked items out: the one function that serving and evaluation both call.
//
// Candidates are the items that the model generates token by token under the trie, those that were
// visited together with the session's clicks, and the new items nearest to the session. All are scored
// by the dense head and by co-visitation, and ordered by a blend that was fitted on validation.
import { beamSearch } from '#shared/inference/beam-search.ts'
import { bestFirstSearch } from '#shared/inference/best-first-search.ts'
import { decodeSession, dot, type TokenDecoder } from '#shared/inference/token-decoder.ts'
import { Exclusions } from '#shared/itemids/exclusions.ts'
import type { ItemFilter } from '#shared/itemids/item-filter.ts'
import { type CoVisitation, coVisitedScores } from './co-visitation.ts'

/** What ranking needs of a release, in memory. Items are numbered as in the release. */
export interface RankingModel {
  readonly decoder: TokenDecoder
  /** [items, D] row-major. */
  readonly vectors: Float32Array
  readonly coVisitation: CoVisitation
  /** Items by falling number of training clicks. */
  readonly byPopularity: Int32Array
  /** Items that training saw no click on: all that is known of them is their metadata. */
  readonly newItems: ReadonlySet<number>
  readonly blend: Blend
  /** How items are generated; by a beam of 30 where nothing is said. */
  readonly generation?: Generation
}

/** Which search, and for how many items at least: more may be asked for. */
export interface Generation {
  readonly search: SearchName
  readonly width: number
}

export const searchNames = ['beam', 'exact'] as const
export type SearchName = (typeof searchNames)[number]

/** Fitted on validation, saved in the release. */
export interface Blend {
  /** Share of co-visitation in the score, in [0, 1]. */
  readonly coVisitationWeight: number
  /** What a click's co-visitation counts for, for each click that came after it. */
  readonly coVisitationDecay: number
  /**
   * Added to the logit of a new item. Training has lifted what was clicked: without a margin known
   * items out-shout new ones even where these fit better.
   */
  readonly newItemMargin: number
}

/** Which part of the model proposed an item. */
export type Source = 'generated' | 'co-visited' | 'new' | 'popular'

export interface RankedItem {
  readonly item: number
  /** Higher is better; comparable within one answer only. */
  readonly score: number
  readonly source: Source
}

export interface RankingQuestion {
  /** [D] state of the session; absent when it has no click on a known item. */
  readonly state: Float32Array | undefined
  /** Items clicked so far, oldest first. */
  readonly clicked: Int32Array
  /** Items that must not come back. */
  readonly excluded: Iterable<number>
  /** What all others must pass. */
  readonly filter?: ItemFilter | undefined
  readonly count: number
}

/** Prefixes kept while generating: more found nothing better on Beauty (recipe measured 2026-11). */
export const standardGeneration: Generation = { search: 'beam', width: 30 }
const coVisitedCandidates = 50
const newCandidates = 20

/** The best `count` items, or as many as may be shown. */
export function rank(model: RankingModel, question: RankingQuestion): RankedItem[] {
  const excluded = new Set(question.excluded)
  if (!question.state) return popular(model, { ...question, excluded })
  const { state, clicked, filter, count } = question
  const generated = new Set(generate(model, { state, excluded, filter, count }))
  const scored = scoreCandidates(model, {
    state,
    clicked,
    excluded,
    filter,
    generated,
    decay: model.blend.coVisitationDecay
  })
  const scores = blendScores(scored, model.blend)
  return scored.items
    .map((item, i) => ({ item, score: scores[i]!, source: sourceOf(scored, i, generated) }))
    .sort((a, b) => b.score - a.score || a.item - b.item)
    .slice(0, question.count)
}

function popular(
  { byPopularity }: RankingModel,
  { count, ...limits }: Limits & { readonly count: number }
): RankedItem[] {
  const items = Array.from(byPopularity).filter(item => isAllowed(item, limits))
  return items.slice(0, count).map((item, place) => ({
    item,
    score: 1 / (1 + place),
    source: 'popular'
  }))
}

/** What an answer may hold. */
interface Limits {
  readonly excluded: ReadonlySet<number>
  readonly filter?: ItemFilter | undefined
}

function isAllowed(item: number, { excluded, filter }: Limits): boolean {
  return !excluded.has(item) && filter?.passes(item) !== false
}

/** The items that the model writes, the most probable first; enough of them for `count`. */
export function generate(
  { decoder, generation = standardGeneration }: Pick<RankingModel, 'decoder' | 'generation'>,
  question: Limits & { readonly state: Float32Array; readonly count: number }
): number[] {
  const search = generation.search === 'exact' ? bestFirstSearch : beamSearch
  return search({
    trie: decoder.trie,
    scorer: decodeSession(decoder, question.state),
    exclusions: new Exclusions(decoder.trie, question.excluded, question.filter),
    width: Math.max(generation.width, question.count)
  }).map(({ item }) => item)
}

export interface CandidateQuestion extends Limits {
  readonly state: Float32Array
  readonly clicked: Int32Array
  readonly generated: Iterable<number>
  readonly decay: number
}

/** Candidates with both parts of their score. */
export interface ScoredCandidates {
  readonly items: readonly number[]
  readonly isNew: readonly boolean[]
  /** The dense head's, without margin. */
  readonly logits: readonly number[]
  /** Sums to one over the candidates, or is zero for all. */
  readonly coVisited: Float64Array
}

/** (1 - w) softmax of the dense head + w share of co-visitation, one for each candidate. */
export function blendScores(
  { logits, isNew, coVisited }: ScoredCandidates,
  { coVisitationWeight: weight, newItemMargin }: Omit<Blend, 'coVisitationDecay'>
): Float64Array {
  const dense = softmax(logits.map((logit, i) => (isNew[i] ? logit + newItemMargin : logit)))
  return dense.map((share, i) => (1 - weight) * share + weight * coVisited[i]!)
}

/** New items are 'new' also when the trie has led to them. */
export function sourceOf(
  { items, isNew }: ScoredCandidates,
  i: number,
  generated: ReadonlySet<number>
) {
  if (isNew[i]) return 'new' as const
  return generated.has(items[i]!) ? ('generated' as const) : ('co-visited' as const)
}

/** Adds what was visited together with the session's clicks, and what is new, to what was generated. */
export function scoreCandidates(
  { vectors, coVisitation, newItems }: Pick<RankingModel, 'vectors' | 'coVisitation' | 'newItems'>,
  { state, clicked, generated, decay, ...limits }: CandidateQuestion
): ScoredCandidates {
  const scores = coVisitedScores(coVisitation, clicked, decay)
  const visited = [...scores]
    .filter(([item]) => isAllowed(item, limits))
    .sort(([a, x], [b, y]) => y - x || a - b)
    .slice(0, coVisitedCandidates)
  const logitOf = (item: number) => dot(state, vectors, item * state.length)
  const fresh = nearest(newItems, logitOf, limits)
  const items = [...new Set([...generated, ...visited.map(([item]) => item), ...fresh])]
  return {
    items,
    isNew: items.map(item => newItems.has(item)),
    logits: items.map(logitOf),
    coVisited: shares(items.map(item => scores.get(item) ?? 0))
  }
}

/** The new items with the highest logits. */
function nearest(
  newItems: ReadonlySet<number>,
  logitOf: (item: number) => number,
  limits: Limits
): number[] {
  const allowed = [...newItems].filter(item => isAllowed(item, limits))
  const logits = new Map(allowed.map(item => [item, logitOf(item)]))
  return allowed.sort((a, b) => logits.get(b)! - logits.get(a)! || a - b).slice(0, newCandidates)
}

function softmax(logits: readonly number[]): Float64Array {
  const largest = Math.max(...logits)
  return shares(logits.map(logit => Math.exp(logit - largest)))
}

/** Scaled to sum to one; all zeros stay zeros. */
function shares(values: readonly number[]): Float64Array {
  const total = values.reduce((sum, value) => sum + value, 0)
  return Float64Array.from(values, value => (total > 0 ? value / total : 0))
}
