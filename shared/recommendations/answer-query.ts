// Answers a question in the words of clients: item keys in, item keys out.
import type { SessionEncoder } from '#shared/inference/session-encoder.ts'
import type { SessionGraph } from '#shared/inference/session-states.ts'
import type { Click } from '#shared/sessions/session.ts'
import type { ItemIndex } from './item-keys.ts'
import type { FilterOf, ItemSelection } from './item-selection.ts'
import { type RankedItem, type RankingModel, rank, type Source } from './rank.ts'
import { rankSimilar } from './rank-similar.ts'
import { partOf, type SessionInput, sessionInput } from './session-input.ts'

export interface RecommendationQuery {
  /** Clicks of the session so far, oldest first; none for a new visitor. */
  readonly clicks: readonly Click[]
  /** Items wanted, at least one. */
  readonly count: number
  /** Keys that must not be recommended; unknown keys are no fault. */
  readonly exclude: readonly string[]
  /** Whether clicked items may come back; left out, the release decides. */
  readonly repeat?: boolean | undefined
  /** All items but these stay out. Only where the model has `filterOf`. */
  readonly only?: ItemSelection | undefined
  /** Items that score less stay out. */
  readonly minScore?: number | undefined
  /** Instead of what follows the clicks: what is like the item of this key, best first. */
  readonly similarTo?: string | undefined
}

export interface RecommendedItem {
  readonly itemKey: string
  /** Higher is better; comparable within one answer only. */
  readonly score: number
  readonly source: Source
}

/** What answering needs of a release, besides something that encodes sessions. */
export interface AnsweringModel {
  readonly itemIndex: ItemIndex
  keyOf(item: number): string
  readonly ranking: RankingModel
  /** Whether clicked items may come back where the caller says nothing. */
  readonly repeats: boolean
  /** Selections that were used before need not be counted again. */
  readonly filterOf?: FilterOf
}

/** The same, with the encoder of training: for evaluation and for a release's sample. */
export interface TrainedAnswering extends AnsweringModel {
  readonly encoder: SessionEncoder
  /** The state [D] after the newest click of a session that has one. */
  stateAfter(session: SessionInput): Float32Array
}

/** The same, with the encoder of serving. */
export interface ServedAnswering extends AnsweringModel {
  readonly sessions: SessionGraph
}

/** At most `count` items, the best first; fewer when no more may be shown. */
export function answerQuery(
  model: TrainedAnswering,
  query: RecommendationQuery
): RecommendedItem[] {
  const { maxLength, gapBuckets } = model.encoder.config
  const input = sessionInput(query.clicks, model.itemIndex, gapBuckets)
  if (input.items.length === 0) return answerFrom(model, query, { input })
  return answerFrom(model, query, { input, state: model.stateAfter(newestOf(input, maxLength)) })
}

/** Answers several questions at once: their sessions are encoded side by side. */
export async function answerQueries(
  model: ServedAnswering,
  queries: readonly RecommendationQuery[]
): Promise<RecommendedItem[][]> {
  const { maxLength, gapBuckets } = model.sessions.config
  const inputs = queries.map(query => sessionInput(query.clicks, model.itemIndex, gapBuckets))
  const known = inputs.filter(({ items }) => items.length > 0)
  const states = await model.sessions.encode(known.map(input => newestOf(input, maxLength)))
  return queries.map((query, i) => {
    const input = inputs[i]!
    const state = states[known.indexOf(input)]
    return answerFrom(model, query, { input, ...(state && { state }) })
  })
}

function newestOf(input: SessionInput, maxLength: number): SessionInput {
  const length = input.items.length
  return partOf(input, Math.max(0, length - maxLength), length)
}

/** @param session with its state, unless none of its clicks is on a known item. */
function answerFrom(
  model: AnsweringModel,
  query: RecommendationQuery,
  session: { readonly input: SessionInput; readonly state?: Float32Array }
): RecommendedItem[] {
  const { minScore = Number.NEGATIVE_INFINITY } = query
  return rankedFor(model, query, session)
    .filter(({ score }) => score >= minScore)
    .map(({ item, score, source }) => ({ itemKey: model.keyOf(item), score, source }))
}

function rankedFor(
  { itemIndex, ranking, repeats, filterOf }: AnsweringModel,
  { count, exclude, only, similarTo, repeat = repeats }: RecommendationQuery,
  { input, state }: { readonly input: SessionInput; readonly state?: Float32Array }
): RankedItem[] {
  const excluded = exclude.flatMap(key => itemIndex.get(key) ?? [])
  const filter = only && filterOf?.(only)
  if (similarTo !== undefined) {
    const item = itemIndex.get(similarTo)
    return item === undefined ? [] : rankSimilar(ranking, { item, excluded, filter, count })
  }
  return rank(ranking, {
    state,
    clicked: input.items,
    excluded: repeat ? excluded : [...excluded, ...input.items],
    filter,
    count
  })
}
