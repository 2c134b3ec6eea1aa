// Answers a question in the words of clients: item keys in, item keys out.
import { encodeStates } from '#shared/inference/session-encoder.ts'
import type { Click } from '#shared/sessions/session.ts'
import { rank, type Source } from './rank.ts'
import type { LoadedModel } from './release-model.ts'
import { partOf, sessionInput } from './session-input.ts'

export interface RecommendationQuery {
  /** Clicks of the session so far, oldest first; none for a new visitor. */
  readonly clicks: readonly Click[]
  /** Items wanted, at least one. */
  readonly count: number
  /** Keys that must not be recommended; unknown keys are no fault. */
  readonly exclude: readonly string[]
  /** Whether clicked items may come back; left out, the release decides. */
  readonly repeat?: boolean | undefined
}

export interface RecommendedItem {
  readonly itemKey: string
  /** Higher is better; comparable within one answer only. */
  readonly score: number
  readonly source: Source
}

/** At most `count` items, the best first; fewer when no more may be shown. */
export function answerQuery(model: LoadedModel, query: RecommendationQuery): RecommendedItem[] {
  const { itemIndex, encoder, ranking, trained } = model
  const input = sessionInput(query.clicks, itemIndex, encoder.config.gapBuckets)
  const mayRepeat = query.repeat ?? trained.repeats
  const excluded = query.exclude.flatMap(key => itemIndex.get(key) ?? [])
  const ranked = rank(ranking, {
    state: lastState(model, input),
    clicked: input.items,
    excluded: mayRepeat ? excluded : [...excluded, ...input.items],
    count: query.count
  })
  return ranked.map(({ item, score, source }) => ({
    itemKey: trained.itemKeys[item]!,
    score,
    source
  }))
}

/** The state after the newest click; undefined when no click is on a known item. */
function lastState(
  { encoder }: LoadedModel,
  input: ReturnType<typeof sessionInput>
): Float32Array | undefined {
  const { maxLength, width } = encoder.config
  const length = input.items.length
  if (length === 0) return undefined
  const [states] = encodeStates(encoder, [partOf(input, Math.max(0, length - maxLength), length)])
  return states!.slice(-width)
}
