// The way back: an event as the message that would be decoded to it.
import type { Event } from './event.ts'

/** `checkEvent` of the result gives the same event; the time is in UTC, to the millisecond. */
export function encodeEvent(event: Event): Record<string, unknown> {
  const { id, type, occurredAt, sessionId, visitorId, itemKey, properties } = event
  return {
    id,
    type,
    time: occurredAt.toISOString(),
    session: sessionId,
    ...(visitorId !== undefined && { visitor: visitorId }),
    ...(itemKey !== undefined && { item: itemKey }),
    ...properties
  }
}
