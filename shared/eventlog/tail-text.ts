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

export interface TailEvent {
  readonly id: string
  readonly type: EventType
  readonly itemKey: string
  /** The producer's clock. */
  readonly occurredAt: Date
}

/** An event as its line; its time as ISO text, in UTC and to the millisecond. */
export function tailLine(
  time: string,
  { id, type, itemKey }: Pick<TailEvent, 'id' | 'type' | 'itemKey'>
): string {
  return `${time}\t${type}\t${escapeText(id)}\t${escapeText(itemKey)}`
}

/** Years to 9999 have this many characters, and texts of one length sort as the times do. */
const timeLength = '2026-03-01T09:30:00.123Z'.length

/** The time of a line. */
export function timeOf(line: string): string {
  return line.slice(0, timeLength)
}

/** @throws RangeError when the text is not lines of `tailLine`. */
export function readTailText(text: string): TailEvent[] {
  return text.split('\n').map(readLine)
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
