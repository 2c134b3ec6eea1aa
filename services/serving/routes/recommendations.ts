// POST /v1/recommendations: what this visitor may want next.
import { randomBytes } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { readAttributes } from '#shared/catalog/read-items.ts'
import type { RecommendationAnswer } from '#shared/recommendations/recommender.ts'
import type { Click } from '#shared/sessions/session.ts'
import { type FieldFault, problemResponse, sendFieldFaults } from '../problem.ts'
import { recommendationId } from '../recommendation-id.ts'
import { countSources } from '../request-metrics.ts'
import type { App, ServingParts } from '../serving-parts.ts'
import { clicksOn, sessionClicks } from '../session-clicks.ts'
import { ItemAttributes, Key, wireAttributes } from '../wire-items.ts'

const standardCount = 10

const Question = Type.Object(
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
type Question = Static<typeof Question>

const RecommendedItem = Type.Object({
  item: Type.String(),
  score: Type.Number({ description: 'Higher is better; comparable within one answer only' }),
  source: Type.Enum(['generated', 'co-visited', 'new', 'popular'], {
    description: 'What proposed the item; popular only where nothing better was left'
  }),
  attributes: Type.Optional(ItemAttributes)
})

const Recommendation = Type.Object({
  recommendation_id: Type.String({ description: 'Send it along with the events that follow' }),
  release: Type.String({ description: 'The release that answered' }),
  items: Type.Array(RecommendedItem, { description: 'Best first' })
})
type Recommendation = Static<typeof Recommendation>

const schema = {
  operationId: 'recommend',
  tags: ['recommendations'],
  summary: 'Recommend the next items of a session',
  description: 'A session of which nothing is known gets popular items, and their source says so.',
  body: Question,
  response: {
    200: Recommendation,
    400: problemResponse('The request is at fault; `errors` names the fields'),
    503: problemResponse('No release is loaded yet, or a part that is needed is away: try again')
  }
}

/** Adds the route, and the counter of its sources. */
export function addRecommendations(app: App, parts: ServingParts): void {
  const sources = countSources(parts.metrics)

  app.post('/recommendations', { schema }, async (request, reply) => {
    const question = request.body
    const faults = questionFaults(question)
    if (faults.length > 0) return sendFieldFaults(reply, faults)

    const startedAt = performance.now()
    const answer = await askRecommender(question, parts)
    reply.header('server-timing', `recommend;dur=${(performance.now() - startedAt).toFixed(1)}`)
    for (const { source } of answer.items) sources.inc({ source })
    const attributes = question.attributes
      ? await readAttributes(
          parts.pool,
          answer.items.map(item => item.itemKey)
        )
      : undefined
    return recommendationOf(answer, attributes)
  })
}

function questionFaults({ session, items }: Question): FieldFault[] {
  if (session === undefined && items === undefined) {
    return ['session', 'items'].map(field => ({ field, message: 'is missing: give one of both' }))
  }
  if (session === undefined || items === undefined) return []
  return ['session', 'items'].map(field => ({ field, message: 'is too much: give one of both' }))
}

async function askRecommender(question: Question, parts: ServingParts) {
  const { n = standardCount, exclude = [], repeat } = question
  const [clicks, hidden] = await Promise.all([clicksOf(question, parts), parts.hiddenItems.keys()])
  return parts.recommender.recommend({
    clicks,
    count: n,
    exclude: [...exclude, ...hidden],
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

function recommendationOf(
  { releaseId, items }: RecommendationAnswer,
  attributes?: Awaited<ReturnType<typeof readAttributes>>
): Recommendation {
  return {
    recommendation_id: recommendationId(Date.now(), randomBytes(10)),
    release: releaseId,
    items: items.map(({ itemKey, score, source }) => ({
      item: itemKey,
      score,
      source,
      ...(attributes && { attributes: wireAttributes(attributes.get(itemKey)) })
    }))
  }
}
