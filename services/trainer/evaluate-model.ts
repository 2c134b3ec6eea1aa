// Measures a model on the test part beside simple baselines: the same prefixes, the same items
// allowed, each list made by the function that serving calls.
import {
  type EvaluationRow,
  evaluate,
  type Method,
  type Question
} from '#shared/evaluation/evaluate.ts'
import { beamSearch } from '#shared/inference/beam-search.ts'
import { decodeSession } from '#shared/inference/token-decoder.ts'
import { Exclusions } from '#shared/itemids/exclusions.ts'
import { fitCoVisitation } from '#shared/recommendations/co-visitation.ts'
import type { LoadedModel } from '#shared/recommendations/load-model.ts'
import { neighbourScores } from '#shared/recommendations/neighbours.ts'
import { type RankingModel, rank } from '#shared/recommendations/rank.ts'
import { byFallingClicks } from '#shared/recommendations/trained-model.ts'
import { questionsOf } from './dense-quality.ts'
import type { Reporter } from './train-encoder.ts'
import type { SplitInputs } from './training-set.ts'

const listLength = 20
/** Of co-visitation alone, chosen on validation of the e-shop data. */
const baselineDecay = 0.4

/** One row for each method; the last one is what the service answers. */
export function evaluateModel(
  { encoder, ranking, trained }: LoadedModel,
  sessions: SplitInputs,
  report: Reporter
): EvaluationRow[] {
  const questions = questionsOf(encoder, sessions.test, 'every-click')
  const itemCount = trained.itemKeys.length
  const methods = [
    ...baselines(sessions, itemCount, trained.repeats),
    generator(ranking, trained.repeats),
    product(ranking, trained.repeats)
  ]
  report.start('evaluating', questions.length)
  const rows = evaluate(methods, questions, itemCount, done => report.update(done, {}))
  report.finish()
  return rows
}

/** Fitted on training and validation, the most that a baseline may know here. */
function baselines(sessions: SplitInputs, itemCount: number, repeats: boolean): Method[] {
  const known = [...sessions.training, ...sessions.validation].map(({ items }) => items)
  const clicks = new Int32Array(itemCount)
  for (const items of known) for (const item of items) clicks[item]!++
  const byPopularity = Array.from(byFallingClicks(clicks))
  const coVisitation = fitCoVisitation(known, itemCount, 'all')
  return [
    {
      name: 'popularity',
      recommend: question => firstAllowed(byPopularity, question, repeats)
    },
    {
      name: 'co-visitation',
      recommend: question => {
        const scores = neighbourScores(coVisitation, question.clicked, baselineDecay)
        const order = [...scores].sort(([a, x], [b, y]) => y - x || a - b).map(([item]) => item)
        return firstAllowed(order, question, repeats)
      }
    }
  ]
}

function firstAllowed(items: readonly number[], { clicked }: Question, repeats: boolean): number[] {
  if (repeats) return items.slice(0, listLength)
  const seen = new Set(clicked)
  return items.filter(item => !seen.has(item)).slice(0, listLength)
}

function generator({ decoder }: RankingModel, repeats: boolean): Method {
  return {
    name: 'generator alone',
    recommend: ({ state, clicked }) =>
      beamSearch({
        trie: decoder.trie,
        scorer: decodeSession(decoder, state),
        exclusions: new Exclusions(decoder.trie, repeats ? [] : clicked),
        width: listLength
      }).map(({ item }) => item)
  }
}

function product(ranking: RankingModel, repeats: boolean): Method {
  return {
    name: 'nextrie',
    recommend: ({ state, clicked }) =>
      rank(ranking, { state, clicked, excluded: repeats ? [] : clicked, count: listLength }).map(
        ({ item }) => item
      )
  }
}
