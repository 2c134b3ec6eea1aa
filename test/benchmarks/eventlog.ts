// The log: reading all of it in its order, through constant memory, over many months
//
// --events 10000000 (default), --months 12. Postgres fills the log by itself, without its indexes, which
// are made afterwards; then all of it is read as the trainer reads it. Memory is what the heap holds
// after a collection, and what the process has, each at a twentieth of the way and at its end: it has to
// be the same. The first pages are read once before, until compiled.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { startEmbeddedPostgres } from '#shared/database/embedded-postgres.ts'
import { migrate } from '#shared/database/migrate.ts'
import { createPool, type Pool } from '#shared/database/pool.ts'
import { keepMonths } from '#shared/eventlog/event-months.ts'
import { lastPosition, readEvents } from '#shared/eventlog/read-events.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import type { BenchOptions, Figure } from './report.ts'

const log = createLogger({ name: 'bench', level: 'warn' })

export async function run(options: BenchOptions): Promise<readonly Figure[]> {
  const events = Number(options.events ?? 10_000_000)
  const months = Number(options.months ?? 12)
  const folder = await mkdtemp(join(tmpdir(), 'nextrie-eventlog-'))
  const server = await startEmbeddedPostgres({ folder, log, isDurable: false })
  const pool = createPool(server.url, { name: 'bench' })
  try {
    await migrate(pool, 'migrations', log)
    await keepMonths(pool)
    const tell = (text: string) => process.stderr.write(`${text}\n`)
    const filled = performance.now()
    await fill(pool, { events, months, tell })
    tell(`filled and indexed in ${Math.round((performance.now() - filled) / 1000)} s`)
    return await measure(pool, events)
  } finally {
    await pool.end()
    await server.stop()
    await rm(server.home, { recursive: true, force: true })
    await rm(folder, { recursive: true, force: true })
  }
}

interface Filling {
  readonly events: number
  readonly months: number
  readonly tell: (text: string) => void
}

/** Rows as ingestion writes them, a month of them at a time, oldest first. */
async function fill(pool: Pool, { events, months, tell }: Filling): Promise<void> {
  const restoreIndexes = await dropIndexes(pool)
  for (let month = 0; month < months; month++) {
    const first = `(date_trunc('month', now() at time zone 'utc') - ${months - 1 - month} * interval '1 month')::date`
    await pool.query(`select add_events_month(${first})`)
    const [from, to] = [month, month + 1].map(part => Math.floor((part * events) / months))
    await pool.query(
      `insert into events (month, event_id, type, session_id, item_key, occurred_at, properties)
       select ${first}, md5(n::text), 'click', 'session-' || n / 10, 'item-' || n % 20011,
              ${first} + n % 2419200 * interval '1 second',
              jsonb_build_object('position', n % 30, 'context', '{"page": "category"}'::jsonb)
       from generate_series(${from}, ${to! - 1}) as n`
    )
    tell(`${to} of ${events} events`)
  }
  await restoreIndexes()
  await pool.query('vacuum analyze events')
}

/** @returns what makes the log's indexes again, as they were. */
async function dropIndexes(pool: Pool): Promise<() => Promise<void>> {
  const { rows } = await pool.query<{ name: string; definition: string; key: string | null }>(
    `select index.indexrelid::regclass::text as name, pg_get_indexdef(index.indexrelid) as definition,
            pg_get_constraintdef(key.oid) as key
     from pg_index as index left join pg_constraint as key on key.conindid = index.indexrelid
     where index.indrelid = 'events'::regclass`
  )
  for (const { name, key } of rows) {
    await pool.query(key ? `alter table events drop constraint ${name}` : `drop index ${name}`)
  }
  return async () => {
    for (const { name, key, definition } of rows) {
      const everywhere = definition.replace(' ON ONLY ', ' ON ') // the partitions' own are gone, too
      const make = key ? `alter table events add constraint ${name} ${key}` : everywhere
      await pool.query(`set maintenance_work_mem = '256MB'; ${make}`)
    }
  }
}

async function measure(pool: Pool, events: number): Promise<Figure[]> {
  const upTo = await lastPosition(pool)
  for await (const _ of readEvents(pool, { after: 0, upTo: 50_000 }));
  const startedAt = performance.now()
  let read = 0
  let early: Memory | undefined
  for await (const batch of readEvents(pool, { after: 0, upTo })) {
    read += batch.length
    if (read >= events / 20) early ??= memory()
  }
  const seconds = (performance.now() - startedAt) / 1000
  const late = memory()
  return [
    { name: 'events read', value: read, unit: 'events', wanted: { of: 'value', atLeast: events } },
    { name: 'reading', value: read / seconds, unit: 'events/s' },
    {
      name: 'heap at the end, beside a twentieth of the way',
      value: late.heap,
      unit: 'MiB',
      reference: early?.heap ?? Number.NaN,
      wanted: { of: 'ratio', atMost: 1.1 }
    },
    {
      name: 'resident at the end, beside a twentieth of the way',
      value: late.resident,
      unit: 'MiB',
      reference: early?.resident ?? Number.NaN,
      wanted: { of: 'ratio', atMost: 1.2 }
    }
  ]
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

interface Memory {
  /** In MiB, like the other. */
  readonly heap: number
  readonly resident: number
}

function memory(): Memory {
  collect()
  const { heapUsed, rss } = process.memoryUsage()
  return { heap: heapUsed / 2 ** 20, resident: rss / 2 ** 20 }
}
