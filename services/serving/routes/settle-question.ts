// From a question as it was sent to one that can be asked: the scenario filled in, or the question of
// the page before found, and all that no schema can say checked.
import type { ItemCondition } from '#shared/catalog/item-condition.ts'
import { createPatience, type Patience } from '../in-time.ts'
import type { FieldFault } from '../problem.ts'
import type { ServingParts } from '../serving-parts.ts'
import type { AnsweringTools } from './answering-tools.ts'
import { filterFaults } from './filter.ts'
import {
  type Defaults,
  explainFaults,
  formFaults,
  type Question,
  type SettledQuestion
} from './question.ts'

/** What the recommender is asked. */
export interface Settled extends Answerable {
  /** What is left of it, for what else the answer needs of Postgres. */
  readonly patience: Patience
}

interface Answerable {
  readonly question: SettledQuestion
  /** Keys of the items that earlier pages showed. */
  readonly shown: readonly string[]
}

/** Pages of one question end here: each costs a search for all before it, too. */
const mostShown = 500
const namesTold = 50

interface Faulty {
  readonly faults: FieldFault[]
}

type Outcome = Answerable | Faulty

/** @throws what the pool throws, where it has to be asked; DATABASE_UNAVAILABLE when that takes too long. */
export async function settleQuestion(
  question: Question,
  parts: ServingParts,
  tools: AnsweringTools
): Promise<Settled | Faulty> {
  const patience = createPatience(parts.patienceMs)
  const outcome = await patience(settle(question, parts, tools), 'what the question needs')
  return 'faults' in outcome ? outcome : { ...outcome, patience }
}

async function settle(
  question: Question,
  parts: ServingParts,
  tools: AnsweringTools
): Promise<Outcome> {
  const faults = formFaults(question)
  if (faults.length > 0) return { faults }
  const { next, scenario, ...own } = question
  if (next !== undefined) return turnPage(next, parts, tools)
  if (scenario === undefined) return checked({ question: own, shown: [] }, parts, tools)
  const scenarios = await tools.scenarios.all()
  const defaults = scenarios.get(scenario)
  if (!defaults) return { faults: [unknownScenario([...scenarios.keys()])] }
  const outcome = await checked({ question: { ...defaults, ...own }, shown: [] }, parts, tools)
  return 'faults' in outcome ? { faults: blame(outcome.faults, own, scenario) } : outcome
}

async function turnPage(id: string, parts: ServingParts, tools: AnsweringTools): Promise<Outcome> {
  const before = await tools.answers.find(id)
  if (!before) {
    const message = 'is of no answer of the last half an hour: ask the question anew'
    return { faults: [{ field: 'next', message }] }
  }
  if (before.shown.length >= mostShown) {
    const message = `goes no further: ${mostShown} items of a question are shown at most`
    return { faults: [{ field: 'next', message }] }
  }
  return checked(before, parts, tools)
}

async function checked(
  answerable: Answerable,
  { recommender }: ServingParts,
  { attributeNames }: AnsweringTools
): Promise<Outcome> {
  const { question } = answerable
  const faults = [
    ...explainFaults(question),
    ...diversityFaults(question, recommender),
    ...(await filterFaults(question.filter as ItemCondition | undefined, attributeNames))
  ]
  return faults.length > 0 ? { faults } : answerable
}

function diversityFaults(
  { diversity = 0 }: Defaults,
  recommender: ServingParts['recommender']
): FieldFault[] {
  if (diversity === 0 || recommender.hasCategories?.() !== false) return []
  const message =
    'needs categories, and the release that answers knows none: give items the attribute ' +
    '`categories`, and train again'
  return [{ field: 'diversity', message }]
}

function unknownScenario(names: readonly string[]): FieldFault {
  const told = names.slice(0, namesTold).join(', ') + (names.length > namesTold ? ', …' : '')
  const known = names.length > 0 ? `there are ${told}` : 'there are none yet'
  return { field: 'scenario', message: `is not known; ${known}` }
}

/** A fault of a field that the caller did not send is the scenario's. */
function blame(faults: readonly FieldFault[], own: object, scenario: string): FieldFault[] {
  return faults.map(({ field, message }) => {
    const name = /^[a-z_]*/.exec(field)![0]
    return { field, message: name in own ? message : `${message} (from the scenario ${scenario})` }
  })
}
