// The one way into the log. Events from Kafka, HTTP and imports are appended here, each once, and
// the tails of their sessions move in the same transaction.
//
// Order. A position is drawn when a row is inserted but seen when its transaction commits; without
// care a reader could see position 8, go on from there, and never see 7, committed later. Appends
// therefore hold one advisory lock from their first insert to their commit: they commit in the order
// of their positions. Appending is one at a time for that, so callers send events in bulk.
//
// Once. An event id that the log has is not appended again, whichever way it comes; nor does such
// an event touch a tail. Sending again after a lost answer is therefore always harmless.
import type { Connection } from '#shared/database/pool.ts'
import type { Event } from '#shared/events/event.ts'
import { updateTails } from './session-tails.ts'

export interface AppendOutcome {
  readonly appended: number
  /** Events that the log had already, or that came twice in this call. */
  readonly duplicates: number
}

/**
 * Appends events in the given order. Call it inside a transaction, as the last thing of it: the
 * lock is held until the commit. A few thousand events at a time are best.
 */
export async function appendEvents(
  connection: Connection,
  events: readonly Event[]
): Promise<AppendOutcome> {
  if (events.length === 0) return { appended: 0, duplicates: 0 }
  await lockLog(connection)
  const newIds = await insertEvents(connection, events)
  const appended = events.filter(event => newIds.delete(event.id)) // the first of each id
  await updateTails(connection, appended)
  return { appended: appended.length, duplicates: events.length - appended.length }
}

/** Any number will do, as long as nobody else locks it. These are the letters "elog". */
const logLock = 0x65_6c_6f_67

async function lockLog(connection: Connection): Promise<void> {
  await connection.query('select pg_advisory_xact_lock($1)', [logLock])
}

/** Inserts what is new; returns the ids of that. */
async function insertEvents(
  connection: Connection,
  events: readonly Event[]
): Promise<Set<string>> {
  const { rows } = await connection.query<{ event_id: string }>(
    `insert into events
       (event_id, type, session_id, visitor_id, item_key, occurred_at, properties)
     select event_id, type, session_id, visitor_id, item_key, occurred_at, properties
     from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[],
                 $7::jsonb[])
       with ordinality
       as sent (event_id, type, session_id, visitor_id, item_key, occurred_at, properties, place)
     order by place
     on conflict (event_id) do nothing
     returning event_id`,
    [
      events.map(event => event.id),
      events.map(event => event.type),
      events.map(event => event.sessionId),
      events.map(event => event.visitorId ?? null),
      events.map(event => event.itemKey ?? null),
      events.map(event => event.occurredAt.toISOString()),
      events.map(event => JSON.stringify(event.properties))
    ]
  )
  return new Set(rows.map(row => row.event_id))
}
