// Makes events the rows that Postgres copies into the log, before it is asked anything.
import { setImmediate as breathe } from 'node:timers/promises'
import { escapeText } from '#shared/database/copy-rows.ts'
import type { Event } from '#shared/events/event.ts'
import { type PreparedTails, prepareTails } from './session-tails.ts'

/** Events as they are sent to Postgres. */
export interface PreparedEvents {
  /** In the order of the log. */
  readonly events: readonly Event[]
  /** How many were left out so far: they came twice, or the log had them. */
  readonly duplicates: number
  /** As COPY takes them. */
  readonly lines: Buffer
  readonly tails: PreparedTails
}

export const eventColumns =
  'events (month, event_id, type, session_id, visitor_id, item_key, occurred_at, properties)'

/** Events prepared in one go, about two milliseconds: another append may be talking to Postgres. */
const preparedAtOnce = 400

/**
 * Prepares the events that are new, in their order.
 *
 * @param duplicates how many were left out before.
 */
export async function prepareNew(
  all: readonly Event[],
  duplicates: number,
  isNew: (month: string, id: string) => boolean
): Promise<PreparedEvents> {
  const events: Event[] = []
  const parts: Buffer[] = []
  const times: string[] = []
  const isoText = isoTexts()
  for (let from = 0; from < all.length; from += preparedAtOnce) {
    if (from > 0) await breathe()
    let lines = ''
    for (const event of all.slice(from, from + preparedAtOnce)) {
      const occurredAt = isoText(event.occurredAt)
      const month = monthOf(occurredAt)
      if (!isNew(month, event.id)) continue
      events.push(event)
      times.push(occurredAt)
      lines += toLine(event, month, occurredAt)
    }
    parts.push(Buffer.from(lines))
  }
  return {
    events,
    duplicates: duplicates + all.length - events.length,
    lines: Buffer.concat(parts),
    tails: prepareTails(events, times)
  }
}

/** toISOString, ten times as fast when times are close: the text of a second is made once. */
function isoTexts(): (time: Date) => string {
  let [second, text] = [Number.NaN, '']
  return time => {
    const ms = time.getTime()
    if (Math.floor(ms / 1000) !== second) {
      second = Math.floor(ms / 1000)
      text = time.toISOString().slice(0, -'123Z'.length)
    }
    return `${text}${String(ms - 1000 * second).padStart(3, '0')}Z`
  }
}

/** The first day of a month in UTC, as 2026-11-01. */
export function monthOf(occurredAt: string): string {
  return `${occurredAt.slice(0, 'yyyy-mm-'.length)}01`
}

/** In COPY's format; only what is the producer's text can have something to escape. */
function toLine(event: Event, month: string, occurredAt: string): string {
  const { id, type, sessionId, visitorId, itemKey, properties } = event
  const [visitor, item] = [textOrNull(visitorId), textOrNull(itemKey)]
  const rest = escapeText(JSON.stringify(properties))
  return `${month}\t${escapeText(id)}\t${type}\t${escapeText(sessionId)}\t${visitor}\t${item}\t${occurredAt}\t${rest}\n`
}

function textOrNull(text: string | undefined): string {
  return text === undefined ? '\\N' : escapeText(text)
}
