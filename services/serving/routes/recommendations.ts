// POST /v1/recommendations: what this visitor may want next.
import { problemResponse, sendFieldFaults } from '../problem.ts'
import type { App, ServingParts } from '../serving-parts.ts'
import { answerOf, askRecommender } from './answer-question.ts'
import type { AnsweringTools } from './answering-tools.ts'
import { Question, Recommendation } from './question.ts'
import { settleQuestion } from './settle-question.ts'

const schema = {
  operationId: 'recommend',
  tags: ['recommendations'],
  summary: 'Recommend the next items of a session',
  description:
    'A session of which nothing is known gets popular items, and their source says so. ' +
    'With `next` alone: the items that follow those of an earlier answer.',
  body: Question,
  response: {
    200: Recommendation,
    400: problemResponse('The request is at fault; `errors` names the fields'),
    503: problemResponse('No release is loaded yet, or a part that is needed is away: try again')
  }
}

export function addRecommendations(app: App, parts: ServingParts, tools: AnsweringTools): void {
  app.post('/recommendations', { schema }, async (request, reply) => {
    const settled = await settleQuestion(request.body, parts, tools)
    if ('faults' in settled) return sendFieldFaults(reply, settled.faults)

    const startedAt = performance.now()
    const answer = await askRecommender(settled, parts)
    reply.header('server-timing', `recommend;dur=${(performance.now() - startedAt).toFixed(1)}`)
    return answerOf(answer, settled, parts, tools)
  })
}
