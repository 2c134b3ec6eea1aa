// Erases one person from everything that the log keeps, and records that it was done.
//
// The rule. A session is one person's, so what is erased is
//
// 1. each event that names the visitor, and in the sessions of those events also each event that
//    names nobody (before a login, say); what names another visitor stays;
// 2. the tails of those sessions; where events of another visitor stay, their tail is computed anew;
// 3. each dead letter that names the visitor or one of those sessions (dead-letter-names.ts);
// 4. what serving keeps of its answers to those sessions.
//
// All of it commits as one, with a row in `erasures` that holds a hash of the visitor's id and the
// numbers. The log is read through before its lock is taken, and only what came meanwhile after, so
// appends wait for the deletions alone. Erasing again is harmless, and is recorded again.
//
// Not erased: Kafka's own topics, which forget by their retention, and whatever a shop writes about
// a person into the properties of somebody else's event.
import { createHash } from 'node:crypto'
import { type Connection, type Pool, withTransaction } from '#shared/database/pool.ts'
import { lockLog } from './append-events.ts'
import { deleteDeadLettersNaming } from './dead-letter-names.ts'
import { rebuildTails } from './session-tails.ts'

/** How much was erased. */
export interface Erasure {
  readonly events: number
  /** Tails of sessions that were erased, or computed anew without the visitor. */
  readonly tails: number
  readonly deadLetters: number
}

/** Erases a visitor; all counts are 0 when nothing was known of them. */
export async function forgetVisitor(pool: Pool, visitorId: string): Promise<Erasure> {
  const known = await findSessions(pool, visitorId, 0)
  return withTransaction(pool, async connection => {
    await lockLog(connection)
    const late = await findSessions(connection, visitorId, known.upTo)
    const sessionIds = [...new Set([...known.sessionIds, ...late.sessionIds])]
    const events = await deleteEvents(connection, visitorId, sessionIds)
    const tails = await rebuildTails(connection, sessionIds)
    const deadLetters = await deleteDeadLettersNaming(connection, [visitorId, ...sessionIds])
    await connection.query('delete from kept_answers where session_id = any($1)', [sessionIds])
    const erasure = { events, tails, deadLetters }
    await recordErasure(connection, visitorId, erasure)
    return erasure
  })
}

/** The sessions of the visitor's events behind a position; no index serves this, it reads them all. */
async function findSessions(connection: Connection, visitorId: string, after: number) {
  const { rows } = await connection.query<{ session_ids: string[]; up_to: number }>(
    `select coalesce(array_agg(distinct session_id) filter (where visitor_id = $1), '{}')
              as session_ids,
            coalesce(max(position), $2) as up_to
     from events where position > $2`,
    [visitorId, after]
  )
  return { sessionIds: rows[0]!.session_ids, upTo: rows[0]!.up_to }
}

async function deleteEvents(
  connection: Connection,
  visitorId: string,
  sessionIds: readonly string[]
): Promise<number> {
  const { rowCount } = await connection.query(
    `delete from events
     where session_id = any($1) and (visitor_id = $2 or visitor_id is null)`,
    [sessionIds, visitorId]
  )
  return rowCount ?? 0
}

async function recordErasure(
  connection: Connection,
  visitorId: string,
  { events, tails, deadLetters }: Erasure
): Promise<void> {
  await connection.query(
    `insert into erasures (visitor_hash, events, tails, dead_letters) values ($1, $2, $3, $4)`,
    [createHash('sha256').update(visitorId).digest(), events, tails, deadLetters]
  )
}
