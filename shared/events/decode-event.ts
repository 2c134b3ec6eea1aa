// From a message to an event, or to the reason why it is none. Kafka, HTTP and imports all come
// through here. An event is accepted as it was sent or not at all: nothing is coerced or dropped.
import { Compile } from 'typebox/compile'
import { type CloudEvent, type MessageHeaders, openCloudEvent } from './cloud-event.ts'
import { type Event, EventMessage } from './event.ts'
import { acceptStorable, readJson } from './read-json.ts'
import { explainRejection, isObject, quote, type Rejection } from './rejection.ts'
import { refuseNewerVersion } from './schema-version.ts'

/**
 * Clocks. An event's time is the producer's, and is believed: it may be late by any time, and early by
 * up to a day, which forgives clocks and time zones set wrong. Further ahead it would be the newest
 * event of its session until that time comes, and would move the split between training and test, so
 * it is refused. As a dead letter it can be replayed once its time is near.
 */
export const furthestAheadMs = 24 * 60 * 60 * 1000

export interface Clock {
  /** Our own time in milliseconds since 1970; now, unless told otherwise. */
  readonly nowMs?: number
}

/**
 * Decodes the bytes of a Kafka message: plain JSON, or a CloudEvent (structured or binary).
 *
 * @param bytes the message's value; `null` (a tombstone) is no event.
 */
export function decodeEvent(
  bytes: Uint8Array | null,
  headers: MessageHeaders = {},
  clock: Clock = {}
): { event: Event } | Rejection {
  if (bytes === null) return { rejected: 'the message is empty: an event cannot be deleted' }
  const read = readJson(bytes)
  if ('rejected' in read) return read
  return readMessage(read.message, headers, clock)
}

/** Checks a value that is JSON already, such as the body of a request: plain, or a CloudEvent. */
export function checkEvent(value: unknown, clock: Clock = {}): { event: Event } | Rejection {
  if (!isObject(value)) return explainRejection(schema, EventMessage, value)
  const accepted = acceptStorable(value)
  return 'rejected' in accepted ? accepted : readMessage(accepted.message, {}, clock)
}

function readMessage(
  message: Record<string, unknown>,
  headers: MessageHeaders,
  clock: Clock
): { event: Event } | Rejection {
  const cloudEvent = openCloudEvent(message, headers)
  if (cloudEvent === undefined) return readEvent(message, clock)
  if ('rejected' in cloudEvent) return cloudEvent
  const accepted = acceptStorable(unwrap(cloudEvent)) // headers are not checked yet
  return 'rejected' in accepted ? accepted : readEvent(accepted.message, clock)
}

const schema = Compile(EventMessage)

function readEvent(
  message: Record<string, unknown>,
  { nowMs = Date.now() }: Clock
): { event: Event } | Rejection {
  const refusal = refuseNewerVersion(message)
  if (refusal) return refusal
  if (!schema.Check(message)) return explainRejection(schema, EventMessage, message)
  const { id, type, time, session, visitor, item, ...properties } = message
  const occurredAt = new Date(time)
  const rejection = checkTime(occurredAt, time, nowMs) ?? checkItems(message)
  if (rejection) return rejection
  const event: Event = {
    id,
    type,
    occurredAt,
    sessionId: session,
    ...(visitor !== undefined && { visitorId: visitor }),
    ...(item !== undefined && { itemKey: item }),
    properties
  }
  return { event }
}

/** The form is right by now; a leap second (23:59:60) still has no place on this clock. */
function checkTime(occurredAt: Date, time: string, nowMs: number): Rejection | undefined {
  if (!(occurredAt.getTime() >= 0)) {
    return { rejected: `time is ${quote(time)}: it must be a time since 1970`, field: 'time' }
  }
  if (occurredAt.getTime() - nowMs <= furthestAheadMs) return undefined
  const hours = furthestAheadMs / 3_600_000
  return {
    rejected: `time is ${quote(time)}, more than ${hours} hours ahead of our clock: correct the producer's clock, or replay the message later`,
    field: 'time'
  }
}

function checkItems({ type, item, items }: EventMessage): Rejection | undefined {
  if (type === 'impression' ? items !== undefined : item !== undefined) return undefined
  return type === 'impression'
    ? { rejected: 'items is missing: an impression lists the items shown', field: 'items' }
    : { rejected: `item is missing: a ${type} names its item`, field: 'item' }
}

/**
 * A CloudEvent as a plain message. What `data` says itself counts; its envelope fills in the rest.
 * CloudEvents are unique by source and id together, so the id made from them has both. Their type
 * is a reverse domain name that ends in ours: com.example.shop.view. The envelope is kept too.
 */
function unwrap({ attributes, data }: CloudEvent): Record<string, unknown> {
  const { id, source, time, type } = attributes
  return {
    ...(id !== undefined && { id: `${source}/${id}` }),
    ...(time !== undefined && { time }),
    ...(typeof type === 'string' && { type: type.slice(type.lastIndexOf('.') + 1) }),
    ...data,
    cloudevent: attributes
  }
}
