// What a caller asks for and gets: the same for one question and for a batch of them.
import { type Static, Type } from 'typebox'
import { sources } from '#shared/recommendations/rank.ts'
import type { FieldFault } from '../problem.ts'
import { ItemAttributes, Key } from '../wire-items.ts'
import { Explanation } from './explanation.ts'
import { Filter } from './filter.ts'

export const standardCount = 10
/** An explanation costs about as much as ten answers, and nobody reads more of them. */
export const mostExplained = 20

/** What a scenario can give: each field of a question that is not about one visitor. */
const fields = {
  n: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 100, default: standardCount, description: 'How many' })
  ),
  exclude: Type.Optional(
    Type.Array(Key, { maxItems: 1000, description: 'Items that must not be recommended' })
  ),
  filter: Type.Optional(Filter),
  min_score: Type.Optional(
    Type.Number({ minimum: 0, maximum: 1, description: 'Items that score less are left out' })
  ),
  diversity: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: 1,
      default: 0,
      description:
        'How far an item stands back for each one before it of the same category: 0 not at all; ' +
        '1 entirely, as long as there are other categories'
    })
  ),
  repeat: Type.Optional(
    Type.Boolean({
      default: false,
      description:
        'Whether clicked items may come again: for shops whose visitors come back to them'
    })
  ),
  attributes: Type.Optional(
    Type.Boolean({ default: false, description: "Whether to add each item's attributes" })
  ),
  explain: Type.Optional(
    Type.Boolean({
      default: false,
      description: `Whether to add why each item is recommended; for an \`n\` up to ${mostExplained}`
    })
  )
}

export const Defaults = Type.Object(fields, {
  additionalProperties: false,
  description: 'Fields of a question. Those that a question has itself win.',
  examples: [{ n: 6, diversity: 0.5, filter: { attribute: 'price', max: 50 } }]
})
export type Defaults = Static<typeof Defaults>

export const ScenarioName = Type.String({
  pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$',
  title: 'a name of 1 to 100 letters, digits, dots, dashes and underscores'
})

export const Question = Type.Object(
  {
    session: Type.Optional({ ...Key, description: 'Id of the session, as its events name it' }),
    items: Type.Optional(
      Type.Array(Key, {
        maxItems: 200,
        description: 'Instead of a session: the items clicked so far, oldest first'
      })
    ),
    next: Type.Optional(
      Type.String({
        pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$',
        title: 'the recommendation_id of an answer',
        description:
          'Instead of a question: the `recommendation_id` of an answer given within half an hour. The ' +
          'same question is answered again, without the items of that page and of all before it'
      })
    ),
    scenario: Type.Optional({
      ...ScenarioName,
      description: 'Defaults of the other fields, by the name that the shop gave them'
    }),
    ...fields
  },
  {
    additionalProperties: false,
    description: 'Either `session` or `items` must be given; or `next`, with no other field.',
    examples: [{ session: 's1', n: 5 }]
  }
)
export type Question = Static<typeof Question>

/** A question that needs nothing else any more: its scenario is filled in. */
export type SettledQuestion = Omit<Question, 'next' | 'scenario'>

export const RecommendedItem = Type.Object({
  item: Type.String(),
  score: Type.Number({ description: 'Higher is better; comparable within one answer only' }),
  source: Type.Enum([...sources], {
    description:
      'What proposed the item; returned: a click of the session itself; popular only where nothing better was left'
  }),
  attributes: Type.Optional(ItemAttributes),
  explanation: Type.Optional(Explanation)
})

export const Recommendation = Type.Object({
  recommendation_id: Type.String({
    description: 'Send it along with the events that follow; `next` turns the page'
  }),
  release: Type.String({ description: 'The release that answered' }),
  items: Type.Array(RecommendedItem, {
    description: 'Best first; with `diversity` in the order chosen'
  })
})
export type Recommendation = Static<typeof Recommendation>

/** What is wrong with a question by itself, beyond its schema: who is asked about comes in one of three ways. */
export function formFaults({ session, items, next, ...rest }: Question): FieldFault[] {
  if (next !== undefined) {
    const others = Object.keys({ ...(session && { session }), ...(items && { items }), ...rest })
    const message = 'is too much: with `next` everything is as in the question before'
    return others.map(field => ({ field, message }))
  }
  if ((session === undefined) === (items === undefined)) {
    const verdict = session === undefined ? 'is missing' : 'is too much'
    return ['session', 'items'].map(field => ({ field, message: `${verdict}: give one of both` }))
  }
  return explainFaults(rest)
}

export function explainFaults({ n = standardCount, explain }: Defaults): FieldFault[] {
  if (!explain || n <= mostExplained) return []
  return [{ field: 'explain', message: `goes with an n up to ${mostExplained}, not ${n}` }]
}
