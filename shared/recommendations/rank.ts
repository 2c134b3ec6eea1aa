// Session in, ranked items out: the one function that serving and evaluation both call.
//
// Candidates are the items that the model generates token by token under the trie, those that were
// visited together with the session's clicks, those that are described like them, and the new items
// nearest to the session, and, where they may come back, the session's own clicks. All are scored by the
// dense head, by co-visitation, by similarity and by having been clicked, and ordered by their blend (blend.ts).
import { beamSearch } from '#shared/inference/beam-search.ts'
import { bestFirstSearch } from '#shared/inference/best-first-search.ts'
import { type ItemVectors, rowsByNumber } from '#shared/inference/item-vectors.ts'
import { decodeSession, dot, type TokenDecoder } from '#shared/inference/token-decoder.ts'
import { Exclusions } from '#shared/itemids/exclusions.ts'
import type { ItemFilter } from '#shared/itemids/item-filter.ts'
import { type Blend, blendScores, type ScoredCandidates, shares } from './blend.ts'
import { isAllowed, type Limits } from './limits.ts'
import { type NewItems, nearestNew } from './nearest-new.ts'
import { clickWeights, type Neighbours, neighbourScores } from './neighbours.ts'
import { TopItems } from './top-items.ts'

/** What ranking needs of a release, in memory. Items are numbered as in the release. */
export interface RankingModel extends ItemVectors {
  readonly decoder: TokenDecoder
  readonly coVisitation: Neighbours
  /** By what items are described as. */
  readonly similarity: Neighbours
  /** Items by falling number of training clicks. */
  readonly byPopularity: Int32Array
  /** Items that training saw no click on: all that is known of them is their metadata. */
  readonly newItems: NewItems
  /** Whether an item may be shown now; all may where nothing is said. */
  isShown?(item: number): boolean
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

/** Which part of the model proposed an item. */
export const sources = ['generated', 'returned', 'co-visited', 'similar', 'new', 'popular'] as const
export type Source = (typeof sources)[number]

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
const similarCandidates = 40

/** Ranked items, and what they were chosen from. */
export interface Ranking {
  readonly items: readonly RankedItem[]
  /** None where nothing was scored: popular items. */
  readonly scored?: ScoredCandidates
}

/** The best `count` items, or as many as may be shown. */
export function rank(model: RankingModel, question: RankingQuestion): readonly RankedItem[] {
  return rankWithParts(model, question).items
}

/** The same, with the parts of the scores: a second search may find others, as the catalogue changes. */
export function rankWithParts(model: RankingModel, question: RankingQuestion): Ranking {
  const excluded = new Set(question.excluded)
  const { state } = question
  if (!state) return { items: popular(model, { ...question, excluded }) }
  const limits = { state, excluded, filter: question.filter }
  const generated = new Set(generate(model, { ...limits, count: question.count }))
  const { clickDecay: decay } = model.blend
  const { clicked } = question
  const scored = scoreCandidates(model, { ...limits, clicked, generated, decay })
  const scores = blendScores(scored, model.blend)
  const best = new TopItems(question.count)
  scored.items.forEach((item, i) => {
    best.offer(item, scores[i]!)
  })
  const items = best.items.map(item => {
    const i = scored.items.indexOf(item)
    return { item, score: scores[i]!, source: sourceOf(scored, i, generated) }
  })
  return { items, scored }
}

function popular(
  { byPopularity, isShown }: RankingModel,
  { count, ...given }: Limits & { readonly count: number }
): RankedItem[] {
  const limits = { ...given, isShown }
  const items = Array.from(byPopularity).filter(item => isAllowed(item, limits))
  return items.slice(0, count).map((item, place) => ({
    item,
    score: 1 / (1 + place),
    source: 'popular'
  }))
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

/** New items are 'new' also when the trie has led to them. */
export function sourceOf(
  { items, isNew, coVisited, returned }: ScoredCandidates,
  i: number,
  generated: ReadonlySet<number>
) {
  if (isNew[i]) return 'new' as const
  if (generated.has(items[i]!)) return 'generated' as const
  if (returned[i]! > 0) return 'returned' as const
  return coVisited[i]! > 0 ? ('co-visited' as const) : ('similar' as const)
}

/** Adds to what was generated what is near the session's clicks in some way, these themselves, and what is new. */
export function scoreCandidates(
  {
    vectors,
    vectorRows = rowsByNumber,
    coVisitation,
    similarity,
    newItems,
    decoder,
    isShown
  }: Omit<RankingModel, 'byPopularity' | 'blend'>,
  { state, clicked, generated, decay, ...given }: CandidateQuestion
): ScoredCandidates {
  const limits = { ...given, isShown }
  const together = neighbourScores(coVisitation, clicked, decay)
  const alike = neighbourScores(similarity, clicked, decay)
  const own = clickWeights(clicked, decay)
  const logitOf = (item: number) => dot(state, vectors, vectorRows.of(item) * state.length)
  const found = new Set(generated)
  for (const item of highest(together, coVisitedCandidates, limits)) found.add(item)
  for (const item of highest(alike, similarCandidates, limits)) found.add(item)
  for (const item of own.keys()) if (isAllowed(item, limits)) found.add(item)
  const asked = { decoder, newItems, state, limits, logitOf }
  for (const item of nearestNew(asked)) found.add(item)
  const items = [...found]
  return {
    items,
    isNew: items.map(item => newItems.has(item)),
    logits: items.map(logitOf),
    coVisited: shares(items.map(item => together.get(item) ?? 0)),
    similar: items.map(item => alike.get(item) ?? 0),
    returned: shares(items.map(item => own.get(item) ?? 0))
  }
}

function highest(
  scores: ReadonlyMap<number, number>,
  count: number,
  limits: Limits
): readonly number[] {
  const best = new TopItems(count)
  scores.forEach((score, item) => {
    if (best.wouldKeep(item, score) && isAllowed(item, limits)) best.offer(item, score)
  })
  return best.items
}
