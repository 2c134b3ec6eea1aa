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
// Speed. Most events are new, so all are copied at once; if Postgres finds that it has one of them, or
// that one came twice, it refuses all, and append begins anew without those. What was refused has to
// be cleaned up by Postgres, so after such an append the next ones look first, until one finds nothing.
// Events/s in batches of 5,000 (2026-11, two cores, fsync on, no tails):
//
//   insert … select from unnest, on conflict do nothing   26,500
//   look up, then COPY                                    45,700
//   COPY                                                  52,000
//
// The tails move before the lock is taken, so that one append may copy while the tails of another
// move. Whoever has moved a tail keeps its row until the commit: another append of the same session
// waits for that, and so gets later positions, as the order of the tail says. Nobody waits for a tail
// while holding the lock (upkeep and erasure keep all appends out, see lockLog), and tails are taken in
// the order of their sessions: appends cannot block each other in a circle.
import { arrayLiteral } from '#shared/database/array-literal.ts'
import { copyRows } from '#shared/database/copy-rows.ts'
import type { Connection } from '#shared/database/pool.ts'
import type { Event } from '#shared/events/event.ts'
import { eventColumns, monthOf, type PreparedEvents, prepareNew } from './prepared-events.ts'
import { updateTails } from './session-tails.ts'

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

/** Does for an append all that can be done before Postgres is asked. */
export async function prepareAppend(events: readonly Event[]): Promise<PreparedEvents> {
  return prepareNew(events, 0, () => true)
}

/** Appends what was prepared, by the rules of `appendEvents`. */
export async function appendPrepared(
  connection: Connection,
  prepared: PreparedEvents
): Promise<AppendOutcome> {
  if (prepared.events.length === 0) return { appended: 0, duplicates: prepared.duplicates }
  await connection.query(
    `select pg_advisory_xact_lock_shared(${upkeepLock}); savepoint before_append`
  )
  const added = mayBeKnown ? await leaveOutKnown(connection, prepared) : prepared
  mayBeKnown = added !== prepared
  return appendNew(connection, added)
}

/** Any numbers will do, as long as nobody else locks them. These are the letters "elog" and "keep". */
const logLock = 0x65_6c_6f_67
const upkeepLock = 0x6b_65_65_70

/** Waits until no append is under way, and holds others off until the transaction ends. */
export async function lockLog(connection: Connection): Promise<void> {
  await connection.query(`select pg_advisory_xact_lock(${upkeepLock})`)
  await connection.query(`select pg_advisory_xact_lock(${logLock})`)
}

/** Whether the last append met events that the log had: only a guess at what the next will meet. */
let mayBeKnown = false

/** Appends what should be new; somebody else may have appended some of it just now. */
async function appendNew(connection: Connection, prepared: PreparedEvents): Promise<AppendOutcome> {
  const { events, duplicates, tails } = prepared
  if (events.length === 0) return { appended: 0, duplicates }
  await updateTails(connection, tails)
  const refusal = await copyOrUndo(connection, prepared)
  if (!refusal) return { appended: events.length, duplicates }
  mayBeKnown = true
  const added = await leaveOutKnown(connection, prepared)
  if (added === prepared) throw refusal
  return appendNew(connection, added)
}

/** @returns why nothing was copied and all undone: the log has one of them. */
async function copyOrUndo(
  connection: Connection,
  { lines }: PreparedEvents
): Promise<Error | undefined> {
  try {
    await copyRows(connection, eventColumns, lines, `select pg_advisory_xact_lock(${logLock}); `)
    return undefined
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === uniqueViolation)) throw error
    await connection.query('rollback to savepoint before_append') // gives the lock back, too
    return error
  }
}

const uniqueViolation = '23505'

/** Ids of events by the month in which they occurred: what an event is known by. */
class IdsByMonth {
  readonly #ids = new Map<string, Set<string>>()

  /** @returns whether it is new. */
  add(month: string, id: string): boolean {
    const ids = this.#ids.get(month) ?? new Set()
    if (ids.size === 0) this.#ids.set(month, ids)
    return ids.size < ids.add(id).size
  }
}

/** What is left when each event comes once and the log has none; the same object when that is all. */
async function leaveOutKnown(
  connection: Connection,
  prepared: PreparedEvents
): Promise<PreparedEvents> {
  const { events, duplicates } = prepared
  const known = await readKnown(connection, events)
  const left = await prepareNew(events, duplicates, (month, id) => known.add(month, id))
  return left.events.length < events.length ? left : prepared
}

async function readKnown(connection: Connection, events: readonly Event[]): Promise<IdsByMonth> {
  const months = new Map<string, string[]>()
  for (const { id, occurredAt } of events) {
    const month = monthOf(occurredAt.toISOString())
    const ids = months.get(month) ?? []
    if (ids.length === 0) months.set(month, ids)
    ids.push(id)
  }
  const known = new IdsByMonth()
  for (const [month, ids] of months) {
    const { rows } = await connection.query<{ event_id: string }>(
      'select event_id from events where month = $1 and event_id = any($2)',
      [month, arrayLiteral(ids)]
    )
    for (const { event_id } of rows) known.add(month, event_id)
  }
  return known
}
