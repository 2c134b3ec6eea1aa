// Erases one person from everything that the log keeps, and records that it was done.
//
// The rule. A session is one person's, so what is erased is
//
// 1. each event that names the visitor, and in the sessions of those events also each event that
//    names nobody (before a login, say); what names another visitor stays. A session is theirs, too,
//    when only its tail still says so;
// 2. the tails of those sessions; where events of another visitor stay, their tail is computed anew;
// 3. each dead letter that names the visitor or one of those sessions (dead-letter-names.ts);
// 4. what serving keeps of its answers to those sessions.
//
// All of it commits as one, with a row in `erasures` that holds a hash of the visitor's id and the
// numbers. Log and dead letters are read through before the log's lock is taken, and only what came
// meanwhile after, so appends wait for the deletions alone; but when a session of the visitor began
// meanwhile, an old letter may name it, and all are read again. Erasing again is harmless, and is
// recorded again.
//
// Not erased: Kafka's own topics, which forget by their retention, and whatever a shop writes about
// a person into the properties of somebody else's event.
import { createHash } from 'node:crypto'
import { Check } from 'typebox/value'
import { type Connection, type Pool, withinMs, withTransaction } from '#shared/database/pool.ts'
import { EventMessage } from '#shared/events/event.ts'
import { quote } from '#shared/events/rejection.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { lockLog } from './append-events.ts'
import { findLettersNaming, readLetterIds } from './dead-letter-names.ts'
import { deleteDeadLetters } from './dead-letters.ts'
import { rebuildTails } from './session-tails.ts'

/** Of a large log a statement reads much, also where others have to be quick. */
const statementMs = 300_000

/** How much was erased. */
export interface Erasure {
  readonly events: number
  /** Tails of sessions that were erased, or computed anew without the visitor. */
  readonly tails: number
  readonly deadLetters: number
}

/**
 * Erases a visitor; all counts are 0 when nothing was known of them.
 *
 * @throws ARGUMENT_INVALID when no event can name such a visitor.
 */
export async function forgetVisitor(pool: Pool, visitorId: string): Promise<Erasure> {
  if (!Check(EventMessage.properties.visitor, visitorId)) {
    const message = `the visitor is ${quote(visitorId)}: it must be a text of 1 to 200 characters`
    throw new RecommenderError('ARGUMENT_INVALID', message)
  }
  const known = await findAll(withinMs(pool, statementMs), visitorId)
  return withTransaction(pool, async client => {
    const connection = withinMs(client, statementMs)
    await lockLog(connection)
    const { sessionIds, letterIds } = await addLate(connection, visitorId, known)
    const events = await deleteEvents(connection, visitorId, sessionIds)
    const tails = await rebuildTails(connection, sessionIds)
    const deadLetters = await deleteDeadLetters(connection, { ids: letterIds })
    await connection.query('delete from kept_answers where session_id = any($1)', [sessionIds])
    const erasure = { events, tails, deadLetters }
    await recordErasure(connection, visitorId, erasure)
    return erasure
  })
}

/** What names the visitor, and what was read to know it. */
interface Findings {
  readonly sessionIds: readonly string[]
  readonly letterIds: readonly number[]
  /** The log up to this position. */
  readonly upTo: number
  /** These dead letters: the order in which they are numbered is not the one in which they commit. */
  readonly lettersRead: readonly number[]
}

async function findAll(connection: Connection, visitorId: string): Promise<Findings> {
  const { sessionIds: inLog, upTo } = await findSessions(connection, visitorId, 0)
  const sessionIds = [...new Set([...inLog, ...(await findTails(connection, visitorId))])]
  const lettersRead = await readLetterIds(connection)
  const letterIds = await findLettersNaming(connection, [visitorId, ...sessionIds], lettersRead)
  return { sessionIds, letterIds, upTo, lettersRead }
}

/** The same with what came since `known`, read in a transaction that holds the log's lock. */
async function addLate(
  connection: Connection,
  visitorId: string,
  known: Findings
): Promise<Pick<Findings, 'sessionIds' | 'letterIds'>> {
  const late = await findSessions(connection, visitorId, known.upTo)
  const newSessions = late.sessionIds.filter(id => !known.sessionIds.includes(id))
  const sessionIds = [...known.sessionIds, ...newSessions]
  const wereRead = new Set(known.lettersRead)
  const newLetters = (await readLetterIds(connection)).filter(id => !wereRead.has(id))
  const letterIds = [
    ...known.letterIds,
    ...(await findLettersNaming(connection, newSessions, known.lettersRead)),
    ...(await findLettersNaming(connection, [visitorId, ...sessionIds], newLetters))
  ]
  return { sessionIds, letterIds }
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

async function findTails(connection: Connection, visitorId: string): Promise<string[]> {
  const { rows } = await connection.query<{ session_id: string }>(
    'select session_id from session_tails where visitor_id = $1',
    [visitorId]
  )
  return rows.map(row => row.session_id)
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
