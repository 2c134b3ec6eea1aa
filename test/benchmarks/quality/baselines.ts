// What every model has to beat: popularity, and nearest neighbours by co-visitation with two norms.
// Fitted on training, their decay chosen on validation. They score the whole catalogue; most items
// tie there, and of equal scores half count as before the target.
import type { TrainingSet } from '#services/trainer/training-set.ts'
import { fitCoVisitation } from '#shared/recommendations/co-visitation.ts'
import { type Neighbours, neighbourScores } from '#shared/recommendations/neighbours.ts'
import { placeMetrics } from './place-metrics.ts'
import { type Prompt, promptsOf } from './questions.ts'

const decays = [0.4, 0.6, 0.8, 1]

export interface BaselineAnswers {
  readonly places: readonly number[]
  /** To fit it, to choose its decay and to answer every question. */
  readonly seconds: number
}

/** [items] of the whole catalogue; a fresh array each time. */
type ScoreItems = (prompt: Prompt) => Float64Array

export function baselinePlaces(set: TrainingSet): Map<string, BaselineAnswers> {
  const test = promptsOf(set.test, set.asked)
  const sessions = set.training.map(({ items }) => items)
  const fitted = (options: Parameters<typeof fitCoVisitation>[3]) =>
    bestNeighbours(set, fitCoVisitation(sessions, set.itemKeys.length, 'all', options))
  const methods: readonly (readonly [string, () => ScoreItems])[] = [
    ['popularity', () => () => new Float64Array(set.clicks)],
    ['KNN, degree norm', () => fitted({ norm: 'degree', back: 0.6 })],
    ['KNN, shrunk norm', () => fitted({})]
  ]
  return new Map(
    methods.map(([name, prepare]) => {
      const startedAt = performance.now()
      const places = placesOf(set, test, prepare())
      return [name, { places, seconds: (performance.now() - startedAt) / 1000 }]
    })
  )
}

/** Neighbours with the decay that is best on validation. */
function bestNeighbours(set: TrainingSet, coVisitation: Neighbours): ScoreItems {
  const validation = promptsOf(set.validation, set.asked)
  const step = Math.max(1, Math.floor(validation.length / 4000))
  const asked = validation.filter((_, i) => i % step === 0)
  const methods = decays.map(decay => neighbours(set, coVisitation, decay))
  const quality = methods.map(method => {
    const { recall, ndcg } = placeMetrics(placesOf(set, asked, method))
    return recall[10] + 2 * ndcg[10]
  })
  return methods[quality.indexOf(Math.max(...quality))]!
}

function neighbours(set: TrainingSet, coVisitation: Neighbours, decay: number): ScoreItems {
  return ({ clicked }) => {
    const scores = new Float64Array(set.itemKeys.length)
    for (const [item, score] of neighbourScores(coVisitation, clicked, decay)) scores[item] = score
    return scores
  }
}

/**
 * Places of the targets among the whole catalogue; clicked items are left out where the data says
 * that nobody returns.
 */
export function placesOf(
  { itemKeys, repeats }: Pick<TrainingSet, 'itemKeys' | 'repeats'>,
  prompts: readonly Prompt[],
  scoreItems: ScoreItems
): number[] {
  return prompts.map(prompt => {
    const scores = scoreItems(prompt)
    if (scores.length !== itemKeys.length) {
      throw new Error(`${scores.length} of ${itemKeys.length} items have a score: rank them all`)
    }
    if (!repeats) for (const item of prompt.clicked) scores[item] = Number.NaN
    return midRank(scores, prompt.target)
  })
}

/** Place from 1 by falling score, half places where scores tie; NaN is left out, and at Infinity. */
function midRank(scores: Float64Array, target: number): number {
  const own = scores[target]!
  if (Number.isNaN(own)) return Number.POSITIVE_INFINITY
  let [above, equal] = [0, -1] // the target itself is no rival
  for (let item = 0; item < scores.length; item++) {
    if (scores[item]! > own) above++
    else if (scores[item] === own) equal++
  }
  return 1 + above + equal / 2
}
