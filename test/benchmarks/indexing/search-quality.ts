// Places of test targets in what the generator writes and in what the service answers, and the
// decoder calls that this took.
import { questionsOf } from '#services/trainer/dense-quality.ts'
import type { Reporter } from '#services/trainer/train-encoder.ts'
import { sampleOf, type TrainingSet } from '#services/trainer/training-set.ts'
import type { Question } from '#shared/evaluation/evaluate.ts'
import { beamSearch } from '#shared/inference/beam-search.ts'
import { bestFirstSearch } from '#shared/inference/best-first-search.ts'
import { countCalls } from '#shared/inference/code-scorer.ts'
import { decodeSession } from '#shared/inference/token-decoder.ts'
import { Exclusions } from '#shared/itemids/exclusions.ts'
import type { ItemFilter } from '#shared/itemids/item-filter.ts'
import type { LoadedModel } from '#shared/recommendations/load-model.ts'
import { type RankingModel, rank } from '#shared/recommendations/rank.ts'
import {
  byFrequency,
  type FrequencyBucket,
  type PlaceMetrics,
  placeMetrics
} from '../quality/place-metrics.ts'
import { mean } from './summarise.ts'

export interface Quality {
  readonly all: PlaceMetrics
  readonly byFrequency: Readonly<Record<FrequencyBucket, PlaceMetrics>>
}

export interface SearchQuality {
  /** The generator alone, beam 30, and what the service answers. */
  readonly generator: Quality
  readonly final: Quality
  /** Decoder calls of a request, means. */
  readonly beamCalls: number
  readonly exactCalls: number
}

const [beamWidth, listLength] = [30, 20]
/** Requests whose exact search is counted: enough for a mean, few enough for slow schemes. */
const exactRequests = 200

/** @param most about so many test questions, evenly drawn. */
export function searchQuality(
  { encoder, ranking }: LoadedModel,
  set: TrainingSet,
  { most = Number.POSITIVE_INFINITY, report }: { most?: number | undefined; report: Reporter }
): SearchQuality {
  const questions = sampleOf(questionsOf(encoder, set.test, set.asked), most)
  const hidden = hiddenIn(set)
  let [done, beamCalls] = [0, 0]
  report.start('test questions', 2 * questions.length)
  const generated = placesOf(questions, question => {
    const counted = { calls: 0 }
    const items = generate(ranking, question, { hidden: hidden(question), counted })
    beamCalls += counted.calls / questions.length
    report.update(++done, {})
    return items
  })
  const final = placesOf(questions, question => {
    const ranked = rank(ranking, { ...question, excluded: hidden(question), count: listLength })
    report.update(++done, {})
    return ranked.map(({ item }) => item)
  })
  report.finish()
  const clicks = questions.map(({ target }) => set.clicks[target]!)
  const quality = (places: readonly number[]): Quality => ({
    all: placeMetrics(places),
    byFrequency: byFrequency(places, clicks)
  })
  return {
    generator: quality(generated),
    final: quality(final),
    beamCalls,
    exactCalls: exactCalls(ranking, questions, hidden)
  }
}

/** What a question may not receive: what was clicked, where visitors do not come back to items. */
export function hiddenIn({ repeats }: TrainingSet): (question: Question) => Iterable<number> {
  return ({ clicked }) => (repeats ? [] : clicked)
}

export interface GenerateOptions {
  readonly hidden: Iterable<number>
  readonly filter?: ItemFilter | undefined
  /** Gets the number of decoder calls. */
  readonly counted?: { calls: number }
}

/** Items that the generator alone writes, the best first. */
export function generate(
  { decoder }: RankingModel,
  { state }: Question,
  { hidden, filter, counted }: GenerateOptions
): number[] {
  const { trie } = decoder
  const scorer = countCalls(decodeSession(decoder, state))
  const exclusions = new Exclusions(trie, hidden, filter)
  const found = beamSearch({ trie, scorer, exclusions, width: beamWidth })
  if (counted) counted.calls = scorer.calls
  return found.map(({ item }) => item)
}

/** Decoder calls of the exact ten best, a mean over some of the questions. */
function exactCalls(
  { decoder }: RankingModel,
  questions: readonly Question[],
  hidden: (question: Question) => Iterable<number>
): number {
  const step = Math.max(1, Math.floor(questions.length / exactRequests))
  const asked = questions.filter((_, i) => i % step === 0)
  const calls = asked.map(question => {
    const scorer = countCalls(decodeSession(decoder, question.state))
    const exclusions = new Exclusions(decoder.trie, hidden(question))
    bestFirstSearch({ trie: decoder.trie, scorer, exclusions, width: 10 })
    return scorer.calls
  })
  return mean(calls)
}

/** Places of the targets, Infinity where one is not listed. */
export function placesOf(
  questions: readonly Question[],
  recommend: (question: Question) => readonly number[]
): number[] {
  return questions.map(question => {
    const place = recommend(question).indexOf(question.target)
    return place < 0 || place >= listLength ? Number.POSITIVE_INFINITY : place + 1
  })
}
