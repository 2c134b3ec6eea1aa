// Where each part of a trained model places the targets of a set's test part.
import * as tf from '@tensorflow/tfjs-core'
import type { SettledRecipe } from '#services/trainer/config.ts'
import { densePlaces, questionsOf } from '#services/trainer/dense-quality.ts'
import { type Reporter, trainEncoder } from '#services/trainer/train-encoder.ts'
import type { TrainingSet } from '#services/trainer/training-set.ts'
import type { Question } from '#shared/evaluation/evaluate.ts'
import { beamSearch } from '#shared/inference/beam-search.ts'
import { createSessionEncoder } from '#shared/inference/session-encoder.ts'
import { decodeSession } from '#shared/inference/token-decoder.ts'
import { Exclusions } from '#shared/itemids/exclusions.ts'
import { blendScores } from '#shared/recommendations/blend.ts'
import { loadModel } from '#shared/recommendations/load-model.ts'
import { type RankingModel, rank, scoreCandidates } from '#shared/recommendations/rank.ts'
import type { TrainedModel } from '#shared/recommendations/trained-model.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { listPlaces, type Places } from './questions.ts'

const listed = 20
/** At least as many as are listed. */
export const beamWidth = 30
/**
 * Scores in all of the ranking of every item, which takes long. Three thousand questions of Beauty told the two
 * rankings apart by no better than one in a hundred: about fifty hits were lost and as many gained.
 */
const comparedScores = 150e6

export interface ModelPlaces {
  readonly places: Places
  /** The product's pipeline and the ranking of every item, on the same part of the questions. */
  readonly pipeline: readonly number[]
  readonly everyItem: readonly number[]
  readonly millisecondsPerRequest: number
}

export function modelPlaces(set: TrainingSet, trained: TrainedModel): ModelPlaces {
  const { encoder, ranking } = loadModel(trained)
  const questions = questionsOf(encoder, set.test, set.asked)
  const hidden = ({ clicked }: Question) => (set.repeats ? [] : clicked)
  const product = (question: Question) =>
    rank(ranking, { ...question, excluded: hidden(question), count: listed }).map(
      ({ item }) => item
    )
  const step = Math.ceil((questions.length * set.itemKeys.length) / comparedScores)
  const compared = questions.filter((_, i) => i % step === 0)
  const dense = densePlaces(encoder, questions, set.repeats)
  const generated = listPlaces(questions, question => {
    const { trie } = ranking.decoder
    const exclusions = new Exclusions(trie, hidden(question))
    const scorer = decodeSession(ranking.decoder, question.state)
    return beamSearch({ trie, scorer, exclusions, width: beamWidth }).map(({ item }) => item)
  })
  const startedAt = performance.now()
  const final = listPlaces(questions, product)
  const seconds = performance.now() - startedAt
  tf.dispose([encoder.weights, encoder.itemVectors] as tf.TensorContainer)
  return {
    places: new Map([
      ['dense head', dense],
      [`generator alone, beam of ${beamWidth}`, generated],
      ['nextrie', final]
    ]),
    pipeline: final.filter((_, i) => i % step === 0),
    everyItem: compared.map(question =>
      placeAmongAll(ranking, question, new Set(hidden(question)))
    ),
    millisecondsPerRequest: seconds / questions.length
  }
}

/** Place of the target when every item of the catalogue is a candidate. */
function placeAmongAll(
  ranking: RankingModel,
  question: Question,
  excluded: ReadonlySet<number>
): number {
  const itemCount = ranking.byPopularity.length
  const all = Array.from({ length: itemCount }, (_, item) => item)
  const scored = scoreCandidates(ranking, {
    ...question,
    excluded,
    generated: all.filter(item => !excluded.has(item)),
    decay: ranking.blend.clickDecay
  })
  const scores = blendScores(scored, ranking.blend)
  const own = scored.items.indexOf(question.target)
  if (own < 0) return Number.POSITIVE_INFINITY
  return 1 + scores.filter(score => score > scores[own]!).length
}

/** Our own encoder on item keys alone: SASRec (Kang and McAuley 2018) with full cross-entropy. */
export async function sasrecPlaces(
  set: TrainingSet,
  recipe: SettledRecipe,
  { seed, report }: { readonly seed: number; readonly report: Reporter }
): Promise<readonly number[]> {
  const nothing = {
    rows: new Int32Array(0),
    weights: new Float32Array(0),
    starts: new Int32Array(1)
  }
  const keysOnly: TrainingSet = { ...set, columns: 0, metadata: nothing, categories: [] }
  const { config, weights, vectors } = await trainEncoder(keysOnly, {
    recipe: { ...recipe, keyDropout: 0 },
    random: createRandom(seed),
    report
  })
  const encoder = createSessionEncoder(config, weights, vectors)
  const places = densePlaces(encoder, questionsOf(encoder, set.test, set.asked), set.repeats)
  tf.dispose([encoder.weights, encoder.itemVectors] as tf.TensorContainer)
  return places
}
