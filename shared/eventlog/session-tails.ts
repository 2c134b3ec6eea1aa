// The newest events of each session, one row per session, kept beside the log and in its
// transaction, so that serving reads one row and a click counts as soon as it is committed.
// Only events that name one item are in a tail: impressions would push the clicks out.
import type { Connection } from '#shared/database/pool.ts'
import type { Event, EventType } from '#shared/events/event.ts'
import { mergeTail, type TailEvent } from './merge-tail.ts'

export interface SessionTail {
  readonly sessionId: string
  /** At most 50, oldest first. */
  readonly events: readonly TailEvent[]
}

/** The tail of one session; `undefined` when the log has no event on an item for it. */
export async function readSessionTail(
  connection: Connection,
  sessionId: string
): Promise<SessionTail | undefined> {
  const tails = await readTails(connection, [sessionId])
  const events = tails.get(sessionId)
  return events && { sessionId, events }
}

/**
 * Adds newly logged events, given in the order of the log, to the tails of their sessions. The
 * caller holds the log's lock, so that nobody else changes a tail in between.
 */
export async function updateTails(connection: Connection, logged: readonly Event[]): Promise<void> {
  const added = groupBySession(logged)
  if (added.size === 0) return
  const tails = await readTails(connection, [...added.keys()])
  const merged = [...added].map(([sessionId, { visitorId, events }]) => {
    return { sessionId, visitorId, events: mergeTail(tails.get(sessionId) ?? [], events) }
  })
  await writeTails(connection, merged)
}

/** A tail event as the jsonb column holds it. */
interface StoredTailEvent {
  readonly id: string
  readonly type: EventType
  readonly item: string
  readonly at: string
}

interface Group {
  /** Who the visitor is, as far as these events say: the last one to name somebody. */
  visitorId: string | undefined
  readonly events: TailEvent[]
}

function groupBySession(logged: readonly Event[]): Map<string, Group> {
  const groups = new Map<string, Group>()
  for (const { id, type, sessionId, visitorId, itemKey, occurredAt } of logged) {
    if (itemKey === undefined || type === 'impression') continue
    const group = groups.get(sessionId) ?? { visitorId: undefined, events: [] }
    group.visitorId = visitorId ?? group.visitorId
    group.events.push({ id, type, itemKey, occurredAt })
    groups.set(sessionId, group)
  }
  return groups
}

async function readTails(
  connection: Connection,
  sessionIds: readonly string[]
): Promise<Map<string, TailEvent[]>> {
  const { rows } = await connection.query<{ session_id: string; events: StoredTailEvent[] }>(
    'select session_id, events from session_tails where session_id = any($1)',
    [sessionIds]
  )
  return new Map(rows.map(row => [row.session_id, row.events.map(fromStored)]))
}

async function writeTails(
  connection: Connection,
  tails: readonly { sessionId: string; visitorId: string | undefined; events: TailEvent[] }[]
): Promise<void> {
  await connection.query(
    `insert into session_tails (session_id, visitor_id, events, last_occurred_at)
     select * from unnest($1::text[], $2::text[], $3::jsonb[], $4::timestamptz[])
     on conflict (session_id) do update set
       visitor_id = coalesce(excluded.visitor_id, session_tails.visitor_id),
       events = excluded.events,
       last_occurred_at = excluded.last_occurred_at,
       updated_at = now()`,
    [
      tails.map(tail => tail.sessionId),
      tails.map(tail => tail.visitorId ?? null),
      tails.map(tail => JSON.stringify(tail.events.map(toStored))),
      tails.map(tail => tail.events.at(-1)!.occurredAt.toISOString())
    ]
  )
}

function toStored({ id, type, itemKey, occurredAt }: TailEvent): StoredTailEvent {
  return { id, type, item: itemKey, at: occurredAt.toISOString() }
}

function fromStored({ id, type, item, at }: StoredTailEvent): TailEvent {
  return { id, type, itemKey: item, occurredAt: new Date(at) }
}
