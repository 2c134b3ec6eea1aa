// What every model has to beat: popularity, and nearest neighbours by co-visitation with two norms.
// Fitted on training, their decay chosen on validation.
import type { TrainingSet } from '#services/trainer/training-set.ts'
import { fitCoVisitation } from '#shared/recommendations/co-visitation.ts'
import { type Neighbours, neighbourScores } from '#shared/recommendations/neighbours.ts'
import { byFallingClicks } from '#shared/recommendations/trained-model.ts'
import { placeMetrics } from './place-metrics.ts'
import { listPlaces, type Places, type Prompt, promptsOf } from './questions.ts'

const decays = [0.4, 0.6, 0.8, 1]
const listed = 20

export function baselinePlaces(set: TrainingSet): Places {
  const test = promptsOf(set.test, set.asked)
  const sessions = set.training.map(({ items }) => items)
  const byPopularity = Array.from(byFallingClicks(set.clicks))
  const fitted = (options: Parameters<typeof fitCoVisitation>[3]) =>
    bestNeighbours(set, fitCoVisitation(sessions, set.itemKeys.length, 'all', options))
  return new Map([
    ['popularity', listPlaces(test, prompt => firstAllowed(byPopularity, prompt, set.repeats))],
    ['KNN, degree norm', listPlaces(test, fitted({ norm: 'degree', back: 0.6 }))],
    ['KNN, shrunk norm', listPlaces(test, fitted({}))]
  ])
}

/** Neighbours with the decay that is best on validation. */
function bestNeighbours(set: TrainingSet, coVisitation: Neighbours) {
  const validation = promptsOf(set.validation, set.asked)
  const step = Math.max(1, Math.floor(validation.length / 4000))
  const asked = validation.filter((_, i) => i % step === 0)
  const methods = decays.map(decay => neighbours(set, coVisitation, decay))
  const quality = methods.map(method => {
    const { recall, ndcg } = placeMetrics(listPlaces(asked, method))
    return recall[10] + 2 * ndcg[10]
  })
  return methods[quality.indexOf(Math.max(...quality))]!
}

function neighbours({ repeats }: TrainingSet, coVisitation: Neighbours, decay: number) {
  return (prompt: Prompt) => {
    const scores = [...neighbourScores(coVisitation, prompt.clicked, decay)]
    const order = scores.sort(([a, x], [b, y]) => y - x || a - b).map(([item]) => item)
    return firstAllowed(order, prompt, repeats)
  }
}

function firstAllowed(items: readonly number[], { clicked }: Prompt, repeats: boolean): number[] {
  const seen = new Set(repeats ? [] : clicked)
  const allowed: number[] = []
  for (const item of items) {
    if (!seen.has(item)) allowed.push(item)
    if (allowed.length === listed) break
  }
  return allowed
}
