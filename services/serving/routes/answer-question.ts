// A settled question to the recommender, and its answer as it goes out.
import { randomUUID } from 'node:crypto'
import type { Item } from '#shared/catalog/item.ts'
import { readAttributes } from '#shared/catalog/read-items.ts'
import type { RecommendationAnswer } from '#shared/recommendations/recommender.ts'
import type { Click } from '#shared/sessions/session.ts'
import { recommendationId } from '../recommendation-id.ts'
import type { ServingParts } from '../serving-parts.ts'
import { clicksOn, sessionClicks } from '../session-clicks.ts'
import { wireAttributes } from '../wire-items.ts'
import type { AnsweringTools } from './answering-tools.ts'
import { explanationOf } from './explanation.ts'
import { type Recommendation, type SettledQuestion, standardCount } from './question.ts'
import type { Settled } from './settle-question.ts'

export async function askRecommender(
  { question, shown, patience }: Settled,
  parts: ServingParts
): Promise<RecommendationAnswer> {
  const { n = standardCount, exclude = [], filter, min_score: minScore, repeat } = question
  const { diversity, explain } = question
  const clicks = await patience(clicksOf(question, parts), 'the session')
  return parts.recommender.recommend({
    clicks,
    count: n,
    exclude,
    filter,
    patience,
    minScore,
    ...(repeat !== undefined && { repeat }),
    ...(shown.length > 0 && { shown }),
    ...(diversity && { diversity }),
    ...(explain && { explain })
  })
}

async function clicksOf(
  { session, items }: SettledQuestion,
  { pool, sessionGapMinutes: gapMinutes }: ServingParts
): Promise<readonly Click[]> {
  if (session === undefined) return clicksOn(items ?? [], Date.now())
  return sessionClicks(pool, { sessionId: session, gapMinutes })
}

/** An answer as it goes out: its items counted, and kept for whoever turns the page. */
export async function answerOf(
  answer: RecommendationAnswer,
  { question, shown, patience }: Settled,
  { pool }: ServingParts,
  tools: AnsweringTools
): Promise<Recommendation> {
  const keys = answer.items.map(({ itemKey }) => itemKey)
  const attributes = question.attributes
    ? await patience(readAttributes(pool, keys), 'the attributes of the items')
    : undefined
  const recommendation = recommendationOf(answer, tools, attributes)
  tools.answers.keep(recommendation.recommendation_id, { question, shown: [...shown, ...keys] })
  return recommendation
}

/** The same without pages. */
export function recommendationOf(
  { releaseId, items }: RecommendationAnswer,
  { sources }: AnsweringTools,
  attributes?: ReadonlyMap<string, Item['attributes']>
): Recommendation {
  for (const { source } of items) sources.inc({ source })
  return {
    recommendation_id: recommendationId(Date.now(), randomUUID()),
    release: releaseId,
    items: items.map(({ itemKey, score, source, explanation }) => ({
      item: itemKey,
      score,
      source,
      ...(attributes && { attributes: wireAttributes(attributes.get(itemKey)) }),
      ...(explanation && { explanation: explanationOf(explanation) })
    }))
  }
}
