// POST /v1/events: events by HTTP. They take the same check as those from Kafka, and then the way of
// collector.ts: into Kafka, or straight into the log.
import { type Static, Type } from 'typebox'
import { fromHttp } from '#shared/events/cloud-event.ts'
import { checkEvent } from '#shared/events/decode-event.ts'
import { EventMessage } from '#shared/events/event.ts'
import type { Rejection } from '#shared/events/rejection.ts'
import { type AcceptedEvent, type Collected, collectIntoLog } from '../collector.ts'
import { type FieldFault, problemResponse, sendFieldFaults } from '../problem.ts'
import type { App, ServingParts } from '../serving-parts.ts'

const mostEvents = 1000
/** Of one event as JSON, so that a request of them always fits a request to Kafka. */
const mostEventBytes = 256 * 1024
/** Room for a thousand events of 4 KiB. */
const bodyLimit = 4 * 1024 * 1024

const EventResult = Type.Object({
  status: Type.Union([Type.Literal('accepted'), Type.Literal('rejected')]),
  field: Type.Optional(Type.String({ description: 'The first field at fault' })),
  reason: Type.Optional(Type.String({ description: 'Why it was rejected' }))
})
type EventResult = Static<typeof EventResult>

const results = {
  accepted: Type.Integer(),
  rejected: Type.Integer(),
  results: Type.Array(EventResult, { description: 'One for each event, in the order sent' })
}
const Logged = Type.Object({
  ...results,
  appended: Type.Integer({ description: 'Accepted events that are new in the log' }),
  duplicates: Type.Integer({ description: 'Accepted events whose id the log had already' })
})
const Queued = Type.Object(results)

const schema = {
  operationId: 'sendEvents',
  tags: ['events'],
  summary: 'Send one event, or up to 1000 in an array',
  description:
    'Each event is accepted or rejected by itself. CloudEvents 1.0 are taken too: structured, batched ' +
    '(their own content types, or application/json), and binary (`ce-` headers, one event). ' +
    'Sending an event again changes nothing. The status is 400 when none was accepted.',
  body: Type.Union([EventMessage, Type.Array(EventMessage, { minItems: 1, maxItems: mostEvents })]),
  response: {
    200: { ...Logged, description: 'The accepted events are in the log' },
    202: { ...Queued, description: 'Kafka has the accepted events; the log will' },
    400: problemResponse('No event was accepted; `errors` says why'),
    413: problemResponse('The body is larger than 4 MiB'),
    503: problemResponse('Kafka or the log is away, or too much is waiting for it: try again')
  }
}

type Check = AcceptedEvent | Rejection

/** Adds the route. Its schema only describes the body: an event is checked by itself below. */
export function addEvents(app: App, parts: ServingParts): void {
  const collector = parts.collector ?? collectIntoLog(parts.pool)
  const validatorCompiler = () => () => true
  app.addContentTypeParser(
    ['application/cloudevents+json', 'application/cloudevents-batch+json'],
    { parseAs: 'string' }, // each route has its own limit
    app.getDefaultJsonParser('error', 'error')
  )
  app.post('/events', { schema, bodyLimit, validatorCompiler }, async (request, reply) => {
    const opened = fromHttp(request.body, request.headers)
    if ('rejected' in opened) return sendFieldFaults(reply, faultsOf([opened]))
    const { message } = opened
    const sent: readonly unknown[] = Array.isArray(message) ? message : [message]
    if (sent.length === 0 || sent.length > mostEvents) {
      const message = `must have 1 to ${mostEvents} events, not ${sent.length}`
      return sendFieldFaults(reply, [{ field: 'body', message }])
    }
    const checked = sent.map(check)
    const accepted = checked.filter(each => 'event' in each)
    if (accepted.length === 0) return sendFieldFaults(reply, faultsOf(checked as Rejection[]))

    const collected = await collector.collect(accepted)
    const outcomes = withoutRefused(checked, collected)
    const refused = outcomes.filter(each => 'rejected' in each)
    if (refused.length === outcomes.length) return sendFieldFaults(reply, faultsOf(refused))
    const answer = {
      accepted: outcomes.length - refused.length,
      rejected: refused.length,
      results: outcomes.map(resultOf)
    }
    return 'isQueued' in collected ? reply.code(202).send(answer) : { ...answer, ...collected }
  })
}

function check(message: unknown): Check {
  const checked = checkEvent(message)
  if ('rejected' in checked) return checked
  const bytes = Buffer.byteLength(JSON.stringify(message))
  if (bytes <= mostEventBytes) return { event: checked.event, message }
  return { rejected: `the event has ${bytes} bytes: ${mostEventBytes} are taken at most` }
}

/** Kafka may find an event too large that we do not: its topic may have a limit of its own. */
function withoutRefused(checked: readonly Check[], collected: Collected): Check[] {
  if (!('isQueued' in collected)) return [...checked]
  let place = 0
  return checked.map(each => {
    if ('rejected' in each || collected.isQueued[place++]) return each
    return { rejected: 'the event is larger than its Kafka topic takes' }
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

function resultOf(check: Check): EventResult {
  if (!('rejected' in check)) return { status: 'accepted' }
  const { rejected, field } = check
  return { status: 'rejected', ...(field && { field }), reason: rejected }
}
