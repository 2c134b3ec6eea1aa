// The one way into the log. Events from Kafka, HTTP and imports are appended here, each once, and
// the tails of their sessions move in the same transaction.
//
// Order. A position is drawn when a row is inserted but seen when its transaction commits; without
// care a reader could see position 8, go on from there, and never see 7, committed later. Appends
// therefore hold one advisory lock from their first insert to their commit: they commit in the order
// of their positions. Appending is one at a time for that, so callers send events in bulk.
//
// Once. An event is known by its id within the month (UTC) in which it occurred; see the migration
// that made months. One that the log has is not appended again, whichever way it comes; nor does it
// touch a tail. Sending again after a lost answer is therefore always harmless.
//
// Speed. Most events are new, so all are copied at once; if Postgres finds that it has one of them it
// refuses all, and the copy is repeated without those that it has. The lock makes sure that nobody
// adds one in between. What was refused has to be cleaned up by Postgres, so after such an append the
// next ones look first, until one finds nothing. Events/s in batches of 5,000 (2026-11, two cores,
// fsync on, no tails):
//
//   insert … select from unnest, on conflict do nothing   26,500
//   look up, then COPY                                    45,700
//   COPY                                                  52,000
import { setImmediate as breathe } from 'node:timers/promises'
import { arrayLiteral } from '#shared/database/array-literal.ts'
import { copyLine, copyRows } from '#shared/database/copy-rows.ts'
import type { Connection } from '#shared/database/pool.ts'
import type { Event } from '#shared/events/event.ts'
import { type PreparedTails, prepareTails, updateTails } from './session-tails.ts'

export interface AppendOutcome {
  readonly appended: number
  /** Events that the log had already, or that came twice in this call. */
  readonly duplicates: number
}

/**
 * Appends events in the given order. Call it inside a transaction, as the last thing of it: the
 * lock is held until the commit. Some thousand events at a time are best.
 */
export async function appendEvents(
  connection: Connection,
  events: readonly Event[]
): Promise<AppendOutcome> {
  return appendPrepared(connection, await prepareAppend(events))
}

/** Events as they are sent to Postgres. */
export interface PreparedEvents {
  /** How many there were before those that came twice were left out. */
  readonly count: number
  readonly rows: readonly PreparedRow[]
  /** An array of ids for each month that occurs. */
  readonly idsByMonth: ReadonlyMap<string, string>
  readonly lines: Buffer
  readonly tails: PreparedTails
}

/** Events prepared in one go, about two milliseconds: another append may be talking to Postgres. */
const preparedAtOnce = 500

/** Does for an append all that can be done without holding the log's lock. */
export async function prepareAppend(events: readonly Event[]): Promise<PreparedEvents> {
  return prepareRows(await distinctRows(events), events.length)
}

/** Appends what was prepared, by the rules of `appendEvents`. */
export async function appendPrepared(
  connection: Connection,
  prepared: PreparedEvents
): Promise<AppendOutcome> {
  const { count } = prepared
  if (count === 0) return { appended: 0, duplicates: 0 }
  await lockLog(connection)
  const { rows, tails } = await copyNew(connection, prepared)
  await updateTails(connection, tails)
  return { appended: rows.length, duplicates: count - rows.length }
}

function prepareRows(rows: readonly PreparedRow[], count: number): PreparedEvents {
  const months = new Set(rows.map(row => row.month))
  const idsOf = (month: string) =>
    arrayLiteral(rows.filter(row => row.month === month).map(row => row.event.id))
  return {
    count,
    rows,
    idsByMonth: new Map(Array.from(months, month => [month, idsOf(month)])),
    lines: Buffer.from(rows.map(row => row.line).join('')),
    tails: prepareTails(rows.map(row => row.event))
  }
}

/** Any number will do, as long as nobody else locks it. These are the letters "elog". */
const logLock = 0x65_6c_6f_67

/** Waits until no append is under way, and holds others off until the transaction ends. */
export async function lockLog(connection: Connection): Promise<void> {
  await connection.query(`select pg_advisory_xact_lock(${logLock}); savepoint log_locked`)
}

/** Whether the last append met events that the log had: only a guess at what the next will meet. */
let mayBeKnown = false

/** Copies what the log does not have yet. @returns that. */
async function copyNew(connection: Connection, prepared: PreparedEvents): Promise<PreparedEvents> {
  if (!mayBeKnown && (await isCopied(connection, prepared))) return prepared
  const added = await leaveOutKnown(connection, prepared)
  mayBeKnown = added !== prepared
  if (added.rows.length > 0) await copyRows(connection, eventColumns, added.lines)
  return added
}

/** @returns false when the log has one of them: nothing is copied then. */
async function isCopied(connection: Connection, { lines }: PreparedEvents): Promise<boolean> {
  try {
    await copyRows(connection, eventColumns, lines)
    return true
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === uniqueViolation)) throw error
    await connection.query('rollback to savepoint log_locked')
    return false
  }
}

const uniqueViolation = '23505'

interface PreparedRow {
  readonly event: Event
  /** The first day of its month in UTC, as 2026-11-01. */
  readonly month: string
  /** Month and id as one text: 2026-11-01/<id>. */
  readonly identity: string
  /** As COPY takes it. */
  readonly line: string
}

/** The events in their order, of those with one identity the first. */
async function distinctRows(events: readonly Event[]): Promise<PreparedRow[]> {
  const seen = new Set<string>()
  const rows: PreparedRow[] = []
  for (const [index, event] of events.entries()) {
    if (index % preparedAtOnce === preparedAtOnce - 1) await breathe()
    const occurredAt = event.occurredAt.toISOString()
    const month = `${occurredAt.slice(0, 'yyyy-mm-'.length)}01`
    const identity = `${month}/${event.id}`
    if (seen.size === seen.add(identity).size) continue
    rows.push({ event, month, identity, line: toLine(event, month, occurredAt) })
  }
  return rows
}

/** What is left without the events that the log has already. */
async function leaveOutKnown(
  connection: Connection,
  prepared: PreparedEvents
): Promise<PreparedEvents> {
  const known = new Set<string>()
  for (const [month, ids] of prepared.idsByMonth) {
    for (const id of await readKnown(connection, month, ids)) known.add(`${month}/${id}`)
  }
  if (known.size === 0) return prepared
  const rows = prepared.rows.filter(row => !known.has(row.identity))
  return prepareRows(rows, prepared.count)
}

async function readKnown(connection: Connection, month: string, ids: string): Promise<string[]> {
  const { rows } = await connection.query<{ event_id: string }>(
    'select event_id from events where month = $1 and event_id = any($2)',
    [month, ids]
  )
  return rows.map(row => row.event_id)
}

const eventColumns =
  'events (month, event_id, type, session_id, visitor_id, item_key, occurred_at, properties)'

function toLine(event: Event, month: string, occurredAt: string): string {
  return copyLine([
    month,
    event.id,
    event.type,
    event.sessionId,
    event.visitorId ?? null,
    event.itemKey ?? null,
    occurredAt,
    JSON.stringify(event.properties)
  ])
}
