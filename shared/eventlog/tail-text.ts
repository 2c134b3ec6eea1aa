// The events of a tail as the one text that Postgres keeps: a line for each, oldest first, its values
// in COPY's format with tabs between.
//
//   2026-03-01T09:30:00.123Z <tab> click <tab> event id <tab> item key
//
// A text because it is written a thousand times for each time it is read, and two tails are joined by
// putting one behind the other; jsonb is taken apart and put together for that (microseconds for one
// tail of thirty events, 2026-11: text 12, jsonb 97). The time comes first and has a fixed length, so
// that Postgres sorts lines by their first 24 characters.
import { escapeText, unescapeText } from '#shared/database/copy-rows.ts'
import type { EventType } from '#shared/events/event.ts'
import type { TailEvent } from './merge-tail.ts'

export function tailText(events: readonly TailEvent[]): string {
  return events.map(lineOf).join('\n')
}

/** @throws RangeError when the text is none that `tailText` has made. */
export function readTailText(text: string): TailEvent[] {
  return text.split('\n').map(readLine)
}

function lineOf({ id, type, itemKey, occurredAt }: TailEvent): string {
  return `${occurredAt.toISOString()}\t${type}\t${escapeText(id)}\t${escapeText(itemKey)}`
}

function readLine(line: string): TailEvent {
  const [at, type, id, itemKey] = line.split('\t')
  if (at === undefined || type === undefined || id === undefined || itemKey === undefined) {
    throw new RangeError(`session_tails has a line of another form: ${line}`)
  }
  return {
    id: unescapeText(id),
    type: type as EventType,
    itemKey: unescapeText(itemKey),
    occurredAt: new Date(at)
  }
}
