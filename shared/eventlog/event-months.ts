// The log's months: each a partition of its own, made ahead, and dropped when it is old enough.
//
// The rules.
// - Ahead. There is always a partition for this month and for the three to come (by Postgres's clock,
//   in UTC), so that a program may be away from its upkeep for a quarter of a year.
// - Other. An event of any other month is kept in `events_other`; it is as good there as elsewhere. A
//   month of the last five years that turns up there gets its partition at the next upkeep, and its
//   events move into it. Older ones stay: a data set of 2008 is not worth a hundred partitions.
// - Retention. An event is dropped when the whole month in which it occurred is older than the days
//   asked for: the month as a relation, at once, and what is as old in `events_other` by deletion.
//   What the tails still hold of it, lines or the visitor, goes in the same transaction, so that they
//   say what the log says.
//   The oldest month goes first: an upkeep that is broken off leaves no gap.
// - All of it under the log's lock, each month in a transaction of its own: appends wait for one
//   month at most. A reader that holds the log for longer than a few seconds makes upkeep give up
//   until its next turn, rather than have everybody else queue behind it.
import { type Connection, type Pool, withTransaction } from '#shared/database/pool.ts'
import { retryDelayMs } from '#shared/database/retry-delay.ts'
import type { Logger } from '#shared/runtime/logging.ts'
import { lockLog } from './append-events.ts'
import { rebuildTails } from './session-tails.ts'

export interface Upkeep {
  /** First days of the months that got a partition. */
  readonly made: readonly string[]
  /** Partitions that were dropped. */
  readonly dropped: readonly string[]
}

/**
 * Makes the months that are missing, and drops those that need not be kept. Repeating it is harmless.
 *
 * @param retentionDays how long events are kept; 0 keeps everything.
 */
export async function keepMonths(pool: Pool, retentionDays = 0): Promise<Upkeep> {
  const made: string[] = []
  for (const month of await readMissingMonths(pool)) {
    if (await inTurn(pool, connection => addMonth(connection, month))) made.push(month)
  }
  const dropped = retentionDays === 0 ? [] : await dropOld(pool, retentionDays)
  return { made, dropped }
}

const hourMs = 3_600_000

/**
 * Does the upkeep now and every hour.
 *
 * @returns what ends it, once a turn that is under way is done.
 */
export function startUpkeep(
  pool: Pool,
  { retentionDays, log }: { readonly retentionDays: number; readonly log: Logger }
): () => Promise<void> {
  const turn = async () => {
    try {
      const { made, dropped } = await keepMonths(pool, retentionDays)
      if (made.length + dropped.length > 0) log.info({ made, dropped }, 'months of the log changed')
    } catch (error) {
      const level = retryDelayMs(error) === undefined ? 'error' : 'warn'
      log[level]({ err: error }, 'upkeep of the log failed; it is tried again in an hour')
    }
  }
  let turns = turn()
  const timer = setInterval(() => {
    turns = turns.then(turn)
  }, hourMs).unref()
  return async () => {
    clearInterval(timer)
    await turns
  }
}

async function inTurn<T>(pool: Pool, act: (connection: Connection) => Promise<T>): Promise<T> {
  return withTransaction(pool, async connection => {
    await connection.query("set local lock_timeout = '5s'")
    await lockLog(connection)
    return act(connection)
  })
}

/** Months that should have a partition and have none: those ahead, and young ones in events_other. */
async function readMissingMonths(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ month: string }>(
    `with this as (select date_trunc('month', now() at time zone 'utc') as month),
          wanted as (
            select generate_series(month, month + interval '3 months', interval '1 month')::date
                     as month
            from this
            union
            select events_other.month from events_other, this
            where events_other.month between this.month - interval '5 years'
                                         and this.month + interval '3 months'
          )
     select to_char(month, 'YYYY-MM-DD') as month from wanted
     where to_regclass('events_' || to_char(month, 'YYYY_MM')) is null
     order by month`
  )
  return rows.map(row => row.month)
}

/** @returns false when somebody else has made it meanwhile. */
async function addMonth(connection: Connection, month: string): Promise<boolean> {
  const { rows } = await connection.query<{ is_new: boolean }>(
    'select add_events_month($1) as is_new',
    [month]
  )
  return rows[0]!.is_new
}

async function dropOld(pool: Pool, retentionDays: number): Promise<string[]> {
  const { rows } = await pool.query<{ first_kept: string }>(
    `select to_char(date_trunc('month', now() at time zone 'utc' - $1 * interval '1 day'),
                    'YYYY-MM-DD') as first_kept`,
    [retentionDays]
  )
  const firstKept = rows[0]!.first_kept
  const old = await readPartitionsBefore(pool, firstKept)
  for (const { name, followed_by } of old) {
    await inTurn(pool, async connection => {
      // The name is one of Postgres's own list of the log's partitions.
      await connection.query(`drop table if exists ${name}`)
      await dropScattered(connection, followed_by)
    })
  }
  await inTurn(pool, connection => dropScattered(connection, firstKept))
  return old.map(({ name }) => name)
}

interface OldPartition {
  readonly name: string
  /** First day of the month after it. */
  readonly followed_by: string
}

async function readPartitionsBefore(pool: Pool, firstKept: string): Promise<OldPartition[]> {
  const { rows } = await pool.query<OldPartition>(
    `select inhrelid::regclass::text as name,
            to_char(to_date(right(inhrelid::regclass::text, 7), 'YYYY_MM') + interval '1 month',
                    'YYYY-MM-DD') as followed_by
     from pg_inherits
     where inhparent = 'events'::regclass
       and inhrelid::regclass::text ~ '^events_[0-9]{4}_[0-9]{2}$'
       and inhrelid::regclass::text < 'events_' || to_char($1::date, 'YYYY_MM')
     order by name`,
    [firstKept]
  )
  return rows
}

/** What is older than the first month kept, and in no partition of its own. */
async function dropScattered(connection: Connection, firstKept: string): Promise<void> {
  await connection.query('delete from events_other where month < $1', [firstKept])
  await dropOldTails(connection, firstKept)
}

/** Tails that end before the first month kept go; of sessions that began before it, they are made anew. */
async function dropOldTails(connection: Connection, firstKept: string): Promise<void> {
  const start = `${firstKept}T00:00:00Z`
  await connection.query('delete from session_tails where last_occurred_at < $1', [start])
  const { rows } = await connection.query<{ session_id: string }>(
    'select session_id from session_tails where first_occurred_at < $1',
    [start]
  )
  await rebuildTails(
    connection,
    rows.map(row => row.session_id)
  )
}
