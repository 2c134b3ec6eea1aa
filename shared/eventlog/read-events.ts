// Reads the log in its own order, a stretch of positions at a time, through constant memory.
import type { Connection } from '#shared/database/pool.ts'
import type { Event, EventType } from '#shared/events/event.ts'

/** An event with its place in the log. */
export interface LoggedEvent extends Event {
  /** Grows along the log; there are gaps. */
  readonly position: number
  /** When it was appended, by the database's clock. */
  readonly receivedAt: Date
}

export interface EventRange {
  /** The last position already read; 0 to begin at the beginning. */
  readonly after: number
  /** The last position to read. Take `lastPosition()` once, and a repeat reads the same events. */
  readonly upTo: number
  /** Events held in memory at once. */
  readonly batchSize?: number
}

/** The events of a range in the order of the log, in batches that are never empty. */
export async function* readEvents(
  connection: Connection,
  { after, upTo, batchSize = 10_000 }: EventRange
): AsyncGenerator<LoggedEvent[]> {
  let position = after
  while (position < upTo) {
    const batch = await readBatch(connection, { after: position, upTo, batchSize })
    if (batch.length > 0) yield batch
    if (batch.length < batchSize) return
    position = batch.at(-1)!.position
  }
}

/** The position of the newest event; 0 when the log is empty. */
export async function lastPosition(connection: Connection): Promise<number> {
  const { rows } = await connection.query<{ position: number }>(
    'select coalesce(max(position), 0) as position from events'
  )
  return rows[0]!.position
}

interface EventRow {
  readonly position: number
  readonly event_id: string
  readonly type: EventType
  readonly session_id: string
  readonly visitor_id: string | null
  readonly item_key: string | null
  readonly occurred_at: Date
  readonly received_at: Date
  readonly properties: Record<string, unknown>
}

async function readBatch(
  connection: Connection,
  { after, upTo, batchSize }: Required<EventRange>
): Promise<LoggedEvent[]> {
  const { rows } = await connection.query<EventRow>(
    `select position, event_id, type, session_id, visitor_id, item_key,
            occurred_at, received_at, properties
     from events
     where position > $1 and position <= $2
     order by position
     limit $3`,
    [after, upTo, batchSize]
  )
  return rows.map(toEvent)
}

function toEvent(row: EventRow): LoggedEvent {
  return {
    position: row.position,
    id: row.event_id,
    type: row.type,
    sessionId: row.session_id,
    ...(row.visitor_id !== null && { visitorId: row.visitor_id }),
    ...(row.item_key !== null && { itemKey: row.item_key }),
    occurredAt: row.occurred_at,
    receivedAt: row.received_at,
    properties: row.properties
  }
}
