// POST /v1/events: events by HTTP, for shops without Kafka. They take the same check and the same
// append as those from Kafka, and are in the log when the answer comes.
import { type Static, Type } from 'typebox'
import { withTransaction } from '#shared/database/pool.ts'
import { appendEvents } from '#shared/eventlog/append-events.ts'
import { checkEvent } from '#shared/events/decode-event.ts'
import { EventMessage } from '#shared/events/event.ts'
import type { Rejection } from '#shared/events/rejection.ts'
import { type FieldFault, problemResponse, sendFieldFaults } from '../problem.ts'
import type { App, ServingParts } from '../serving-parts.ts'

const mostEvents = 1000
/** Room for a thousand events of 4 KiB. */
const bodyLimit = 4 * 1024 * 1024

const EventResult = Type.Object({
  status: Type.Union([Type.Literal('accepted'), Type.Literal('rejected')]),
  field: Type.Optional(Type.String({ description: 'The first field at fault' })),
  reason: Type.Optional(Type.String({ description: 'Why it was rejected' }))
})
type EventResult = Static<typeof EventResult>

const EventsAnswer = Type.Object({
  appended: Type.Integer({ description: 'Events that are new in the log' }),
  duplicates: Type.Integer({ description: 'Accepted events whose id the log had already' }),
  rejected: Type.Integer(),
  results: Type.Array(EventResult, { description: 'One for each event, in the order sent' })
})

const schema = {
  operationId: 'sendEvents',
  tags: ['events'],
  summary: 'Send one event, or up to 1000 in an array',
  description:
    'Each event is accepted or rejected by itself. Sending an event again changes nothing. ' +
    'The status is 400 when none was accepted.',
  body: Type.Union([EventMessage, Type.Array(EventMessage, { minItems: 1, maxItems: mostEvents })]),
  response: {
    200: EventsAnswer,
    400: problemResponse('No event was accepted; `errors` says why'),
    413: problemResponse('The body is larger than 4 MiB'),
    503: problemResponse('The log is away: try again')
  }
}

/** Adds the route. Its schema only describes the body: an event is checked by itself below. */
export function addEvents(app: App, { pool }: ServingParts): void {
  const validatorCompiler = () => () => true
  app.post('/events', { schema, bodyLimit, validatorCompiler }, async (request, reply) => {
    const sent: readonly unknown[] = Array.isArray(request.body) ? request.body : [request.body]
    if (sent.length === 0 || sent.length > mostEvents) {
      const message = `must have 1 to ${mostEvents} events, not ${sent.length}`
      return sendFieldFaults(reply, [{ field: 'body', message }])
    }
    const checked = sent.map(checkEvent)
    const accepted = checked.flatMap(check => ('event' in check ? [check.event] : []))
    if (accepted.length === 0) return sendFieldFaults(reply, faultsOf(checked as Rejection[]))

    const counts = await withTransaction(pool, connection => appendEvents(connection, accepted))
    const rejected = sent.length - accepted.length
    return { ...counts, rejected, results: checked.map(resultOf) }
  })
}

/** A lone event names its field; one of several is named by its place. */
function faultsOf(rejections: readonly Rejection[]): FieldFault[] {
  const isLone = rejections.length === 1
  return rejections.map(({ rejected, field }, i) => ({
    field: (isLone && field) || `[${i}]${field ? `.${field}` : ''}`,
    message: rejected
  }))
}

function resultOf(check: object | Rejection): EventResult {
  if (!('rejected' in check)) return { status: 'accepted' }
  const { rejected, field } = check
  return { status: 'rejected', ...(field && { field }), reason: rejected }
}
