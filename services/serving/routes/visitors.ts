// DELETE /v1/visitors/{id}: erases one person from everything that the log keeps.
import { Type } from 'typebox'
import { forgetVisitor } from '#shared/eventlog/forget-visitor.ts'
import { problemResponse } from '../problem.ts'
import type { App, ServingParts } from '../serving-parts.ts'
import { Key } from '../wire-items.ts'

const schema = {
  operationId: 'forgetVisitor',
  tags: ['events'],
  summary: 'Erase a visitor from log, session tails, dead letters and kept answers',
  description:
    'Idempotent; every erasure is recorded, without naming whom. Events that Kafka still holds come ' +
    'in later: stop sending first, and erase again when ingestion has caught up.',
  params: Type.Object({ id: { ...Key, description: 'The visitor, as events name it' } }),
  response: {
    200: Type.Object({
      events: Type.Integer({ description: 'Events erased; 0 when nothing was known' }),
      session_tails: Type.Integer(),
      dead_letters: Type.Integer()
    }),
    400: problemResponse('The id is at fault'),
    503: problemResponse('The log is away: try again')
  }
}

/** Adds the route. */
export function addVisitors(app: App, { pool }: ServingParts): void {
  app.delete('/visitors/:id', { schema }, async request => {
    const { events, tails, deadLetters } = await forgetVisitor(pool, request.params.id)
    return { events, session_tails: tails, dead_letters: deadLetters }
  })
}
