// Answers a question in the words of clients: item keys in, item keys out.
import type { SessionEncoder } from '#shared/inference/session-encoder.ts'
import type { SessionGraph } from '#shared/inference/session-states.ts'
import type { Click } from '#shared/sessions/session.ts'
import { candidatesWanted, diversify, type ItemCategories } from './diversify.ts'
import { explainItems, type ItemExplanation } from './explain.ts'
import type { IdWords } from './id-words.ts'
import type { ItemIndex } from './item-keys.ts'
import type { FilterOf, ItemSelection } from './item-selection.ts'
import {
  type RankedItem,
  type Ranking,
  type RankingModel,
  type RankingQuestion,
  rankWithParts,
  type Source
} from './rank.ts'
import { rankSimilar } from './rank-similar.ts'
import { newestOf, type SessionInput, sessionInput } from './session-input.ts'

export interface RecommendationQuery {
  /** Clicks of the session so far, oldest first; none for a new visitor. */
  readonly clicks: readonly Click[]
  /** Items wanted, at least one. */
  readonly count: number
  /** Keys that must not be recommended; unknown keys are no fault. */
  readonly exclude: readonly string[]
  /** Whether clicked items may come back; left out, they do not. */
  readonly repeat?: boolean | undefined
  /** All items but these stay out. Only where the model has `filterOf`. */
  readonly only?: ItemSelection | undefined
  /** Items that score less stay out. */
  readonly minScore?: number | undefined
  /** Instead of what follows the clicks: what is like the item of this key, best first. */
  readonly similarTo?: string | undefined
  /**
   * Keys that earlier pages of the same question showed. They are ranked as they were there, and left
   * out then, so that this page goes on where they end. Scores go on, too, as far as the beam is wide: for more
   * items it is wider, and shares of more are smaller, so that `minScore` cuts somewhat earlier there.
   */
  readonly shown?: readonly string[] | undefined
  /** In [0, 1], see diversify.ts. Only where the model has categories. */
  readonly diversity?: number | undefined
  /** Whether to say why; only serving does. */
  readonly explain?: boolean | undefined
}

export interface RecommendedItem {
  readonly itemKey: string
  /** Higher is better; comparable within one answer only. */
  readonly score: number
  readonly source: Source
  readonly explanation?: ItemExplanation
}

/** What answering needs of a release, besides something that encodes sessions. */
export interface AnsweringModel {
  readonly itemIndex: ItemIndex
  keyOf(item: number): string
  readonly ranking: RankingModel
  /** Whether visitors of the shop come back to items: evaluation and the sample ask with `repeat` then. */
  readonly repeats: boolean
  /** Selections that were used before need not be counted again. */
  readonly filterOf?: FilterOf
  /** None where no category tells items apart. */
  readonly categories?: ItemCategories | undefined
  /** What codes stand for, where the release says it. */
  readonly idWords?: IdWords | undefined
  /** Takes in what has changed; called before each answer. */
  refresh?(): void
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
  if (input.items.length === 0) return toKeys(model, rankedFor(model, query, { input }).items)
  const state = model.stateAfter(newestOf(input, maxLength))
  return toKeys(model, rankedFor(model, query, { input, state }).items)
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
  const answers: RecommendedItem[][] = []
  for (const [i, query] of queries.entries()) {
    const input = inputs[i]!
    const state = states[known.indexOf(input)]
    const session = { input, ...(state && { state }) }
    model.refresh?.()
    const ranked = rankedFor(model, query, session)
    const explanations = await explanationsOf(model, query, { state, ranked })
    answers.push(toKeys(model, ranked.items, explanations))
  }
  return answers
}

function toKeys(
  model: AnsweringModel,
  ranked: readonly RankedItem[],
  explanations?: readonly ItemExplanation[]
): RecommendedItem[] {
  return ranked.map(({ item, score, source }, i) => {
    const explanation = explanations?.[i]
    return { itemKey: model.keyOf(item), score, source, ...(explanation && { explanation }) }
  })
}

async function explanationsOf(
  model: ServedAnswering,
  query: RecommendationQuery,
  { state, ranked }: { readonly state: Float32Array | undefined; readonly ranked: Ranking }
): Promise<ItemExplanation[] | undefined> {
  if (!query.explain || query.similarTo !== undefined) return undefined
  return explainItems(model, { state, clicks: query.clicks, ...ranked })
}

/** A session with its state, unless none of its clicks is on a known item. */
interface ReadSession {
  readonly input: SessionInput
  readonly state?: Float32Array
}

function rankedFor(
  model: AnsweringModel,
  query: RecommendationQuery,
  session: ReadSession
): Ranking {
  const { minScore = Number.NEGATIVE_INFINITY, count, similarTo, diversity = 0 } = query
  if (similarTo !== undefined) return { items: similarItems(model, query, similarTo) }
  const question = rankingQuestion(model, query, session)
  const shown = new Set(knownOf(model, query.shown))
  const ranking = rankWithParts(model.ranking, question)
  const ranked = ranking.items.filter(({ item, score }) => score >= minScore && !shown.has(item))
  if (diversity === 0) return { ...ranking, items: ranked.slice(0, count) }
  const { categories } = model
  if (!categories) throw new Error('the release knows no categories')
  const items = diversify(ranked, { categories, diversity, count, chosen: shown, itemOf })
  return { ...ranking, items }
}

const itemOf = ({ item }: RankedItem) => item

function similarItems(
  model: AnsweringModel,
  query: RecommendationQuery,
  key: string
): RankedItem[] {
  const { minScore = Number.NEGATIVE_INFINITY, count, exclude, only } = query
  const item = model.itemIndex.get(key)
  if (item === undefined) return []
  const filter = only && model.filterOf?.(only)
  const excluded = knownOf(model, exclude)
  const ranked = rankSimilar(model.ranking, { item, excluded, filter, count })
  return ranked.filter(({ score }) => score >= minScore)
}

/** Asks for what earlier pages showed, too, and where an answer is spread, for more to choose from. */
function rankingQuestion(
  model: AnsweringModel,
  { count, exclude, only, shown, diversity = 0, repeat = false }: RecommendationQuery,
  { input, state }: ReadSession
): RankingQuestion {
  const excluded = knownOf(model, exclude)
  const wanted = diversity === 0 ? count : candidatesWanted(count)
  return {
    state,
    clicked: input.items,
    excluded: repeat ? excluded : [...excluded, ...input.items],
    filter: only && model.filterOf?.(only),
    count: wanted + knownOf(model, shown).length
  }
}

function knownOf({ itemIndex }: AnsweringModel, keys: readonly string[] = []): number[] {
  return keys.flatMap(key => itemIndex.get(key) ?? [])
}
