// What a caller asks for and gets: the same for one question and for a batch of them.
import { randomBytes } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { readAttributes } from '#shared/catalog/read-items.ts'
import type { RecommendationAnswer } from '#shared/recommendations/recommender.ts'
import type { Click } from '#shared/sessions/session.ts'
import type { AttributeNames } from '../attribute-names.ts'
import type { FieldFault } from '../problem.ts'
import { recommendationId } from '../recommendation-id.ts'
import type { ServingParts } from '../serving-parts.ts'
import { clicksOn, sessionClicks } from '../session-clicks.ts'
import { ItemAttributes, Key, wireAttributes } from '../wire-items.ts'
import { Filter, filterFaults } from './filter.ts'

export const standardCount = 10

export const Question = Type.Object(
  {
    session: Type.Optional({ ...Key, description: 'Id of the session, as its events name it' }),
    items: Type.Optional(
      Type.Array(Key, {
        maxItems: 200,
        description: 'Instead of a session: the items clicked so far, oldest first'
      })
    ),
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
    repeat: Type.Optional(
      Type.Boolean({
        description: 'Whether clicked items may come again; as in the training data when absent'
      })
    ),
    attributes: Type.Optional(
      Type.Boolean({ default: false, description: "Whether to add each item's attributes" })
    )
  },
  {
    additionalProperties: false,
    description: 'Either `session` or `items` must be given.',
    examples: [{ session: 's1', n: 5 }]
  }
)
export type Question = Static<typeof Question>

export const RecommendedItem = Type.Object({
  item: Type.String(),
  score: Type.Number({ description: 'Higher is better; comparable within one answer only' }),
  source: Type.Enum(['generated', 'co-visited', 'new', 'popular'], {
    description: 'What proposed the item; popular only where nothing better was left'
  }),
  attributes: Type.Optional(ItemAttributes)
})

export const Recommendation = Type.Object({
  recommendation_id: Type.String({ description: 'Send it along with the events that follow' }),
  release: Type.String({ description: 'The release that answered' }),
  items: Type.Array(RecommendedItem, { description: 'Best first' })
})
export type Recommendation = Static<typeof Recommendation>

/** What the schema cannot say. */
export async function questionFaults(
  question: Question,
  names: AttributeNames
): Promise<FieldFault[]> {
  return [...clickFaults(question), ...(await filterFaults(question.filter, names))]
}

/** Clicks come in one of two ways. */
export function clickFaults({ session, items }: Question): FieldFault[] {
  if ((session === undefined) !== (items === undefined)) return []
  const verdict = session === undefined ? 'is missing' : 'is too much'
  return ['session', 'items'].map(field => ({ field, message: `${verdict}: give one of both` }))
}

export async function askRecommender(
  question: Question,
  parts: ServingParts
): Promise<RecommendationAnswer> {
  const { n = standardCount, exclude = [], filter, min_score: minScore, repeat } = question
  const [clicks, hidden] = await Promise.all([clicksOf(question, parts), parts.hiddenItems.keys()])
  return parts.recommender.recommend({
    clicks,
    count: n,
    exclude: [...exclude, ...hidden],
    filter,
    minScore,
    ...(repeat !== undefined && { repeat })
  })
}

async function clicksOf(
  { session, items }: Question,
  { pool, sessionGapMinutes: gapMinutes }: ServingParts
): Promise<readonly Click[]> {
  if (session === undefined) return clicksOn(items ?? [], Date.now())
  return sessionClicks(pool, { sessionId: session, gapMinutes })
}

/** An answer as it goes out. */
export async function recommendationOf(
  { releaseId, items }: RecommendationAnswer,
  { attributes = false }: Pick<Question, 'attributes'>,
  { pool }: ServingParts
): Promise<Recommendation> {
  const found = attributes
    ? await readAttributes(
        pool,
        items.map(item => item.itemKey)
      )
    : undefined
  return {
    recommendation_id: recommendationId(Date.now(), randomBytes(10)),
    release: releaseId,
    items: items.map(({ itemKey, score, source }) => ({
      item: itemKey,
      score,
      source,
      ...(found && { attributes: wireAttributes(found.get(itemKey)) })
    }))
  }
}
