// From a message to an event, or to the reason why it is none. Kafka, HTTP and imports all come
// through here. An event is accepted as it was sent or not at all: nothing is coerced or dropped.
import { Compile } from 'typebox/compile'
import { type CloudEvent, type MessageHeaders, openCloudEvent } from './cloud-event.ts'
import { type Event, EventMessage } from './event.ts'
import { acceptStorable, readJson } from './read-json.ts'
import { explainRejection, isObject, quote, type Rejection } from './rejection.ts'

/**
 * Decodes the bytes of a Kafka message: plain JSON, or a CloudEvent (structured or binary).
 *
 * @param bytes the message's value; `null` (a tombstone) is no event.
 */
export function decodeEvent(
  bytes: Uint8Array | null,
  headers: MessageHeaders = {}
): { event: Event } | Rejection {
  if (bytes === null) return { rejected: 'the message is empty: an event cannot be deleted' }
  const read = readJson(bytes)
  if ('rejected' in read) return read
  const cloudEvent = openCloudEvent(read.message, headers)
  if (cloudEvent === undefined) return readEvent(read.message)
  if ('rejected' in cloudEvent) return cloudEvent
  return checkEvent(unwrap(cloudEvent)) // its attributes may come from headers, not yet checked
}

/** Checks a value that is JSON already, such as the body of a request. */
export function checkEvent(value: unknown): { event: Event } | Rejection {
  if (!isObject(value)) return explainRejection(schema, EventMessage, value)
  const accepted = acceptStorable(value)
  return 'rejected' in accepted ? accepted : readEvent(accepted.message)
}

const schema = Compile(EventMessage)

function readEvent(message: Record<string, unknown>): { event: Event } | Rejection {
  if (!schema.Check(message)) return explainRejection(schema, EventMessage, message)
  const { id, type, time, session, visitor, item, ...properties } = message
  const occurredAt = new Date(time)
  const rejection = checkTime(occurredAt, time) ?? checkItems(message)
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
function checkTime(occurredAt: Date, time: string): Rejection | undefined {
  if (occurredAt.getTime() >= 0) return undefined
  return { rejected: `time is ${quote(time)}: it must be a time since 1970`, field: 'time' }
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
