// The newest events of each session, one row per session, kept beside the log and in its
// transaction, so that serving reads one row and a click counts as soon as it is committed.
// Only events that name one item are in a tail: impressions would push the clicks out. Their lines are
// the newest, but `visitor_id` is what any of them said, and `first_occurred_at` never later than the
// first of them: by it upkeep finds the tails that may say more than the log still does.
import { arrayLiteral } from '#shared/database/array-literal.ts'
import type { Connection } from '#shared/database/pool.ts'
import type { Event } from '#shared/events/event.ts'
import { mergeTail, tailLength } from './merge-tail.ts'
import { readTailText, type TailEvent, tailLine, timeOf } from './tail-text.ts'

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
  const { rows } = await connection.query<{ events: string }>(
    'select events from session_tails where session_id = $1',
    [sessionId]
  )
  return rows[0] && { sessionId, events: readTailText(rows[0].events) }
}

/** What newly logged events add to the tails of their sessions: a column for each, as an array. */
export interface PreparedTails {
  readonly count: number
  readonly columns: readonly string[]
}

/**
 * @param logged in the order of the log.
 * @param times when each occurred, as ISO text.
 */
export function prepareTails(logged: readonly Event[], times: readonly string[]): PreparedTails {
  const added = groupBySession(logged, times)
  const columns = [
    added.map(each => each.sessionId),
    added.map(each => each.visitorId ?? null),
    added.map(each => each.lines.join('\n')),
    added.map(each => each.lines.length),
    added.map(each => each.firstAt),
    added.map(each => timeOf(each.lines.at(-1)!))
  ]
  return { count: added.length, columns: columns.map(arrayLiteral) }
}

/**
 * Adds events to the tails of their sessions, whose rows stay locked until the transaction ends: the
 * events get their positions meanwhile, so that those of two appends are in one order in tail and log.
 *
 * Postgres merges, in one statement. Most sessions go on where they were, and the new lines are put
 * behind the old ones; otherwise all lines are sorted, those of one time in the order of the log, and
 * the newest are kept.
 */
export async function updateTails(
  connection: Connection,
  { count, columns }: PreparedTails
): Promise<void> {
  if (count === 0) return
  await connection.query(
    `insert into session_tails as tail
       (session_id, visitor_id, events, event_count, first_occurred_at, last_occurred_at)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::smallint[], $5::timestamptz[],
                          $6::timestamptz[])
     on conflict (session_id) do update set
       visitor_id = coalesce(excluded.visitor_id, tail.visitor_id),
       events = case
         when excluded.first_occurred_at >= tail.last_occurred_at
           and tail.event_count + excluded.event_count <= ${tailLength}
         then tail.events || E'\n' || excluded.events
         else (
           select string_agg(line, E'\n' order by left(line, 24) collate "C", place)
           from (
             select line, place
             from string_to_table(tail.events || E'\n' || excluded.events, E'\n')
               with ordinality as lines (line, place)
             order by left(line, 24) collate "C" desc, place desc
             limit ${tailLength}
           ) as newest
         )
       end,
       event_count = least(tail.event_count + excluded.event_count, ${tailLength}),
       first_occurred_at = least(tail.first_occurred_at, excluded.first_occurred_at),
       last_occurred_at = greatest(tail.last_occurred_at, excluded.last_occurred_at),
       updated_at = now()`,
    [...columns]
  )
}

/**
 * Makes the tails of sessions anew from nothing but the log, whose lock the caller holds.
 *
 * @returns how many there were before.
 */
export async function rebuildTails(
  connection: Connection,
  sessionIds: readonly string[]
): Promise<number> {
  const { rowCount } = await connection.query(
    'delete from session_tails where session_id = any($1)',
    [sessionIds]
  )
  await connection.query(
    `insert into session_tails
       (session_id, visitor_id, events, event_count, first_occurred_at, last_occurred_at)
     select session_id, visitor_id, events, event_count,
            (select min(occurred_at) from events where events.session_id = fresh.session_id),
            last_occurred_at
     from events_tails as fresh where session_id = any($1)`,
    [sessionIds]
  )
  return rowCount ?? 0
}

/** How many tails are not what the log says, counted in both directions: 0 unless there is a fault. */
export async function countWrongTails(connection: Connection): Promise<number> {
  const { rows } = await connection.query<{ count: number }>(
    `select count(*)
     from events_tails as fresh full join session_tails as kept using (session_id)
     where fresh.events is distinct from kept.events
        or fresh.visitor_id is distinct from kept.visitor_id
        or fresh.event_count is distinct from kept.event_count
        or fresh.last_occurred_at is distinct from kept.last_occurred_at`
  )
  return rows[0]!.count
}

interface Group {
  readonly sessionId: string
  /** Who the visitor is, as far as these events say: the last one to name somebody. */
  visitorId: string | undefined
  /** When the first of all occurred. */
  firstAt: string
  /** The newest, oldest first. */
  lines: string[]
}

/** In the order of the sessions, which is the order in which every append takes their rows. */
function groupBySession(logged: readonly Event[], times: readonly string[]): Group[] {
  const groups = new Map<string, Group>()
  for (const [i, event] of logged.entries()) {
    const { sessionId, visitorId, itemKey } = event
    if (itemKey === undefined || event.type === 'impression') continue
    const time = times[i]!
    const group = groups.get(sessionId) ?? {
      sessionId,
      visitorId: undefined,
      firstAt: time,
      lines: []
    }
    if (group.lines.length === 0) groups.set(sessionId, group)
    group.visitorId = visitorId ?? group.visitorId
    if (time < group.firstAt) group.firstAt = time
    group.lines.push(tailLine(time, { id: event.id, type: event.type, itemKey }))
  }
  for (const group of groups.values()) group.lines = mergeTail([], group.lines)
  return [...groups.values()].sort((a, b) => (a.sessionId < b.sessionId ? -1 : 1))
}
