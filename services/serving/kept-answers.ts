// What was answered just now, so that a caller can turn the page by the id of an answer.
//
// The alternative was a cursor that holds the question and all items shown, which the caller would
// carry. It needs no state, but grows with every page and with what the question excludes, and the id
// that events name would not do. So every answer is kept: in this process until it is written, a tenth
// of a second later, by one statement for all that came meanwhile, into a relation that is not logged.
// No request waits for that. Kept are the answers of half an hour, and of more than 256 MiB of them the
// newest: half a million to two million with ten items each, by the length of their keys. What Postgres does
// not take is held here, up to 32 MiB.
//
// Measured with ten items and 150 answers a statement (2026-11-23, two busy cores): an answer takes 14 µs of
// this process, 26 µs with Postgres's part, and 240 bytes on disk.
import { setTimeout as pause } from 'node:timers/promises'
import { type Pool, withinMs } from '#shared/database/pool.ts'
import { recommendationId, timeOf } from './recommendation-id.ts'
import type { SettledQuestion } from './routes/question.ts'

export interface KeptAnswer {
  readonly question: SettledQuestion
  /** Keys of the items of this page and of all before it. */
  readonly shown: readonly string[]
}

export interface KeptAnswers {
  keep(id: string, answer: KeptAnswer): void
  /** Undefined when it is too old, or never was. */
  find(id: string): Promise<KeptAnswer | undefined>
  /** Writes what is not yet written, and once a minute deletes what is too old. */
  flush(): Promise<void>
  /** Answers that were dropped unwritten, since too many waited. */
  readonly dropped: number
}

export interface KeepingLimits {
  /** Bytes in Postgres, without what it needs around them. */
  readonly keptBytes: number
  /** Here, while Postgres does not take them. */
  readonly waitingBytes: number
}

const keptMinutes = 30
const mebibyte = 1024 * 1024
const standardLimits: KeepingLimits = { keptBytes: 256 * mebibyte, waitingBytes: 32 * mebibyte }
const rowsPerStatement = 1000
/** Makes the first id of its time. */
const leastRandom = '00000000-0000-4000-8000-000000000000'
const trimEveryMs = 60_000
/** It reads all answers that are kept: longer than other statements may take. */
const trimMs = 30_000
/** Ids of this time, past or by another's clock to come, may be of answers that are not yet written. */
const youngMs = 2000
/** Another process writes every tenth of a second: what is not there then never was. */
const lookAgainMs = 100
const looksAgain = 3

export function createKeptAnswers(pool: Pool, limits: Partial<KeepingLimits> = {}): KeptAnswers {
  const { keptBytes, waitingBytes } = { ...standardLimits, ...limits }
  const waiting = new Map<string, WrittenAnswer>()
  let bytes = 0
  let dropped = 0
  let trimmedAt = Number.NEGATIVE_INFINITY

  const forget = (id: string) => {
    const answer = waiting.get(id)
    if (!answer) return
    bytes -= sizeOf(answer)
    waiting.delete(id)
  }
  const look = async (id: string) => {
    const found = waiting.get(id) ?? (await readAnswer(pool, id))
    return found && { question: JSON.parse(found.question), shown: JSON.parse(found.shown) }
  }
  return {
    keep(id, { question, shown }) {
      const answer = {
        question: JSON.stringify(question),
        shown: JSON.stringify(shown),
        session: question.session
      }
      waiting.set(id, answer)
      bytes += sizeOf(answer)
      for (const oldest of waiting.keys()) {
        if (bytes <= waitingBytes) return
        forget(oldest)
        dropped++
      }
    },
    async find(id) {
      let found = await look(id)
      for (let again = 0; !found && again < looksAgain && isJustMade(id); again++) {
        await pause(lookAgainMs)
        found = await look(id)
      }
      return found
    },
    async flush() {
      while (waiting.size > 0) {
        const rows = firstOf(waiting, rowsPerStatement)
        await writeAnswers(pool, rows)
        for (const [id] of rows) forget(id)
      }
      if (performance.now() - trimmedAt < trimEveryMs) return
      await trimAnswers(pool, { oldestMs: Date.now() - keptMinutes * 60_000, keptBytes })
      trimmedAt = performance.now()
    },
    get dropped() {
      return dropped
    }
  }
}

function firstOf<T>(all: Iterable<T>, count: number): T[] {
  const first: T[] = []
  for (const each of all) {
    if (first.length === count) break
    first.push(each)
  }
  return first
}

/** As it is stored: JSON. */
interface WrittenAnswer {
  readonly question: string
  readonly shown: string
  /** By which it is erased (forget-visitor.ts). */
  readonly session?: string | undefined
}

/** About what it takes: nearly all texts have one byte for each character. */
function sizeOf({ question, shown }: WrittenAnswer): number {
  return question.length + shown.length
}

function isJustMade(id: string): boolean {
  return Math.abs(Date.now() - timeOf(id)) < youngMs
}

async function writeAnswers(
  pool: Pool,
  rows: readonly (readonly [string, WrittenAnswer])[]
): Promise<void> {
  await pool.query(
    `insert into kept_answers (recommendation_id, question, shown, session_id)
     select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) on conflict do nothing`,
    [
      rows.map(([id]) => id),
      rows.map(([, { question }]) => question),
      rows.map(([, { shown }]) => shown),
      rows.map(([, { session }]) => session)
    ]
  )
}

async function readAnswer(pool: Pool, id: string): Promise<WrittenAnswer | undefined> {
  const { rows } = await pool.query<WrittenAnswer>(
    'select question, shown from kept_answers where recommendation_id = $1',
    [id]
  )
  return rows[0]
}

/** Ids are in the order of time; the sum is taken from the newest on, as far as there is room. */
async function trimAnswers(
  pool: Pool,
  { oldestMs, keptBytes }: { readonly oldestMs: number; readonly keptBytes: number }
): Promise<void> {
  await withinMs(pool, trimMs).query(
    `delete from kept_answers where recommendation_id < $1 or recommendation_id <= (
       select recommendation_id from (
         select recommendation_id, sum(octet_length(question) + octet_length(shown))
                  over (order by recommendation_id desc) as bytes
         from kept_answers
       ) newest where bytes > $2 order by recommendation_id desc limit 1
     )`,
    [recommendationId(oldestMs, leastRandom), keptBytes]
  )
}
