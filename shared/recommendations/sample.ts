// A release carries one question with its answer, so that a program that loads it can tell whether
// it computes what the trainer computed.
import type { Manifest } from '#shared/releases/manifest.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import {
  answerQuery,
  type RecommendationQuery,
  type RecommendedItem,
  type TrainedAnswering
} from './answer-query.ts'

type Sample = Manifest['sample']

/** Backends round differently; a wrong weight or a wrong order of items differs by far more. */
const tolerance = 1e-3
const sampleLength = 10

/** The sample as a question, asked as evaluation asks. */
export function sampleQuery(
  { repeats }: Pick<TrainedAnswering, 'repeats'>,
  clicked: readonly string[]
): RecommendationQuery {
  return {
    repeat: repeats,
    clicks: clicked.map(itemKey => ({ itemKey, type: 'click', at: 0 })),
    count: sampleLength,
    exclude: []
  }
}

/** Asks the model for the items after these. */
export function takeSample(model: TrainedAnswering, clicked: readonly string[]): Sample {
  const items = answerQuery(model, sampleQuery(model, clicked))
  return {
    clicked: [...clicked],
    answer: items.map(({ itemKey, score }) => ({ item: itemKey, score }))
  }
}

/** @throws RecommenderError RELEASE_CORRUPT when the model's answer is not that of the release. */
export function checkSample(model: TrainedAnswering, sample: Sample): void {
  compareSample(sample, answerQuery(model, sampleQuery(model, sample.clicked)))
}

/** @throws RecommenderError RELEASE_CORRUPT when the answer is not that of the release. */
export function compareSample(sample: Sample, now: readonly RecommendedItem[]): void {
  const scores = new Map(now.map(({ itemKey, score }) => [itemKey, score]))
  const last = now.at(-1)?.score ?? 0 // what an item that is no longer listed scores at most
  const differs =
    now.length !== sample.answer.length ||
    sample.answer.some(
      ({ item, score }) => !(Math.abs(score - (scores.get(item) ?? last)) <= tolerance)
    )
  if (!differs) return
  throw new RecommenderError(
    'RELEASE_CORRUPT',
    'the release answers its own sample question differently from when it was trained; train again'
  )
}
