// Session in, ranked items out: the one function that serving and evaluation both call.
//
// Candidates are the items that the model generates token by token under the trie, and those that
// were visited together with the session's clicks. Both are scored by the dense head and by
// co-visitation, and ordered by a blend whose weight was fitted on validation.
import { beamSearch } from '#shared/inference/beam-search.ts'
import { decodeSession, dot, type TokenDecoder } from '#shared/inference/token-decoder.ts'
import { Exclusions } from '#shared/itemids/exclusions.ts'
import { type CoVisitation, coVisitedScores } from './co-visitation.ts'

/** What ranking needs of a release, in memory. Items are numbered as in the release. */
export interface RankingModel {
  readonly decoder: TokenDecoder
  /** [items, D] row-major. */
  readonly vectors: Float32Array
  readonly coVisitation: CoVisitation
  /** Items by falling number of training clicks. */
  readonly byPopularity: Int32Array
  readonly blend: Blend
}

/** Fitted on validation, saved in the release. */
export interface Blend {
  /** Share of co-visitation in the score, in [0, 1]. */
  readonly coVisitationWeight: number
  /** What a click's co-visitation counts for, for each click that came after it. */
  readonly coVisitationDecay: number
}

/** Which part of the model proposed an item. */
export type Source = 'generated' | 'co-visited' | 'popular'

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
  readonly count: number
}

/** Prefixes kept while generating: more found nothing better on Beauty (recipe measured 2026-11). */
const beamWidth = 30
const coVisitedCandidates = 50

/** The best `count` items, or as many as may be shown. */
export function rank(model: RankingModel, question: RankingQuestion): RankedItem[] {
  const excluded = new Set(question.excluded)
  if (!question.state) return popular(model, excluded, question.count)
  const { state, clicked, count } = question
  const generated = new Set(generate(model, { state, excluded, count }))
  const { items, dense, coVisited } = scoreCandidates(model, {
    state,
    clicked,
    excluded,
    generated,
    decay: model.blend.coVisitationDecay
  })
  const weight = model.blend.coVisitationWeight
  return items
    .map((item, i) => ({
      item,
      score: (1 - weight) * dense[i]! + weight * coVisited[i]!,
      source: generated.has(item) ? ('generated' as const) : ('co-visited' as const)
    }))
    .sort((a, b) => b.score - a.score || a.item - b.item)
    .slice(0, question.count)
}

function popular(model: RankingModel, excluded: ReadonlySet<number>, count: number): RankedItem[] {
  const items = Array.from(model.byPopularity).filter(item => !excluded.has(item))
  return items.slice(0, count).map((item, place) => ({
    item,
    score: 1 / (1 + place),
    source: 'popular'
  }))
}

/** The items that the model writes, the most probable first; enough of them for `count`. */
export function generate(
  { decoder }: Pick<RankingModel, 'decoder'>,
  question: {
    readonly state: Float32Array
    readonly excluded: ReadonlySet<number>
    readonly count: number
  }
): number[] {
  return beamSearch({
    trie: decoder.trie,
    scorer: decodeSession(decoder, question.state),
    exclusions: new Exclusions(decoder.trie, question.excluded),
    width: Math.max(beamWidth, question.count)
  }).map(({ item }) => item)
}

export interface CandidateQuestion {
  readonly state: Float32Array
  readonly clicked: Int32Array
  readonly excluded: ReadonlySet<number>
  readonly generated: Iterable<number>
  readonly decay: number
}

/** Candidates with both parts of their score, each part summing to one over the candidates. */
export interface ScoredCandidates {
  readonly items: readonly number[]
  readonly dense: Float64Array
  readonly coVisited: Float64Array
}

/** Adds what was visited together with the session's clicks to what was generated, and scores all. */
export function scoreCandidates(
  { vectors, coVisitation }: Pick<RankingModel, 'vectors' | 'coVisitation'>,
  { state, clicked, excluded, generated, decay }: CandidateQuestion
): ScoredCandidates {
  const scores = coVisitedScores(coVisitation, clicked, decay)
  const visited = [...scores]
    .filter(([item]) => !excluded.has(item))
    .sort(([a, x], [b, y]) => y - x || a - b)
    .slice(0, coVisitedCandidates)
  const items = [...new Set([...generated, ...visited.map(([item]) => item)])]
  return {
    items,
    dense: softmax(items.map(item => dot(state, vectors, item * state.length))),
    coVisited: shares(items.map(item => scores.get(item) ?? 0))
  }
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
