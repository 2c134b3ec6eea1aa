// The one form of every error answer: problem details (RFC 9457), media type
// application/problem+json, with a code for programs and the faulty fields by name.
import { STATUS_CODES } from 'node:http'
import type { FastifyReply } from 'fastify'
import { type Static, Type } from 'typebox'

export const FieldFault = Type.Object({
  field: Type.String({ description: 'The faulty field, as `items[3]` or `n`' }),
  message: Type.String({ description: 'What is wrong with it' })
})
export type FieldFault = Static<typeof FieldFault>

export const Problem = Type.Object(
  {
    type: Type.Literal('about:blank'),
    title: Type.String({ description: 'What the status means' }),
    status: Type.Integer(),
    detail: Type.String({ description: 'What is wrong, and what to do' }),
    code: Type.String({ description: 'The kind of fault, for programs' }),
    errors: Type.Optional(Type.Array(FieldFault))
  },
  { title: 'Problem' }
)
export type Problem = Static<typeof Problem>

export const problemMediaType = 'application/problem+json'

/** For `response` of a route: a status that is answered with a problem. */
export function problemResponse(description: string) {
  return { description, content: { [problemMediaType]: { schema: Problem } } }
}

export interface ProblemFacts {
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly errors?: FieldFault[]
}

/** Sends a problem; the handler returns what this returns. */
export function sendProblem(reply: FastifyReply, facts: ProblemFacts): FastifyReply {
  if (facts.status === 503) reply.header('retry-after', '1')
  reply.header('cache-control', 'private, no-store')
  return reply.code(facts.status).type(problemMediaType).send(problemOf(facts))
}

/** A problem by itself: for an answer that holds several. */
export function problemOf(facts: ProblemFacts): Problem {
  return { type: 'about:blank', title: STATUS_CODES[facts.status] ?? 'Error', ...facts }
}

/** 400 for a request whose fields are at fault; the detail names all of them. */
export function sendFieldFaults(reply: FastifyReply, errors: FieldFault[]): FastifyReply {
  return sendProblem(reply, faultFacts(errors))
}

export function faultFacts(errors: FieldFault[]): ProblemFacts {
  const detail = errors
    .map(({ field, message }) => (message.startsWith(field) ? message : `${field} ${message}`))
    .join('; ')
  return { status: 400, code: 'REQUEST_INVALID', detail, errors }
}
