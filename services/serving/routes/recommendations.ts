// POST /v1/recommendations: what this visitor may want next.
import { problemResponse, sendFieldFaults } from '../problem.ts'
import type { App, ServingParts } from '../serving-parts.ts'
import type { AnsweringTools } from './answering-tools.ts'
import {
  askRecommender,
  Question,
  questionFaults,
  Recommendation,
  recommendationOf
} from './question.ts'

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

export function addRecommendations(
  app: App,
  parts: ServingParts,
  { sources, attributeNames }: AnsweringTools
): void {
  app.post('/recommendations', { schema }, async (request, reply) => {
    const question = request.body
    const faults = await questionFaults(question, attributeNames)
    if (faults.length > 0) return sendFieldFaults(reply, faults)

    const startedAt = performance.now()
    const answer = await askRecommender(question, parts)
    reply.header('server-timing', `recommend;dur=${(performance.now() - startedAt).toFixed(1)}`)
    for (const { source } of answer.items) sources.inc({ source })
    return recommendationOf(answer, question, parts)
  })
}
