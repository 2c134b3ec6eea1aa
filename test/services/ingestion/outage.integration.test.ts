// What ends ingestion, and what does not. Parts that are killed: faults.integration.test.ts.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startEmbeddedPostgres } from '#shared/database/embedded-postgres.ts'
import { migrate } from '#shared/database/migrate.ts'
import { createPool } from '#shared/database/pool.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { describeWithKafka } from '#test/support/kafka.ts'
import type { TestDatabase } from '#test/support/postgres.ts'
import {
  clicks,
  createHarness,
  type Harness,
  loggedIds,
  startIngestionProgram,
  untilLogged
} from './harness.ts'

const log = createLogger({ name: 'test', level: 'silent' })

describeWithKafka('the ingestion program', () => {
  test('names every fault of its environment and exits with 1', async () => {
    const program = await startIngestionProgram(
      { DATABASE_URL: '', KAFKA_BROKERS: '' },
      'DATABASE_URL'
    )

    expect(program.lines.join()).toContain('DATABASE_URL is missing; KAFKA_BROKERS is missing')
    expect(await program.exited).toBe(1)
  })
})

describeWithKafka('ingestion', brokers => {
  test('waits for Postgres to come back, and stops when it is told to meanwhile', async () => {
    const postgres = await startOwnPostgres()
    const harness = await openHarness(brokers, postgres.database)
    const first = await harness.start()
    await produceAll(harness, 0, 1000)
    await untilLogged(harness, 1000)

    await postgres.stop()
    await produceAll(harness, 1000, 2000)
    await postgres.start()
    await untilLogged(harness, 2000)

    await postgres.stop()
    await produceAll(harness, 2000, 3000)
    await first.stop()
    await postgres.start()
    const second = await harness.start()
    await untilLogged(harness, 3000)
    await second.stop()

    await expectEachOnce(harness, 3000)
  })
})

async function openHarness(brokers: string[], database?: TestDatabase): Promise<Harness> {
  const harness = await createHarness(brokers, database)
  onTestFinished(harness.close)
  return harness
}

/** A server that the test may stop, and start again at the same address. */
async function startOwnPostgres() {
  const folder = await mkdtemp(join(tmpdir(), 'nextrie-ingestion-'))
  let server = await startEmbeddedPostgres({ folder, log })
  onTestFinished(async () => {
    await server.stop()
    await rm(server.home, { recursive: true, force: true })
    await rm(folder, { recursive: true, force: true })
  })
  const { url, port } = server
  const pool = createPool(url, { name: 'test', log })
  await migrate(pool, 'migrations', log)
  return {
    database: { url, pool, drop: () => pool.end() },
    stop: () => server.stop(),
    start: async () => {
      server = await startEmbeddedPostgres({ folder, log, port })
    }
  }
}

async function produceAll({ produce, config }: Harness, from: number, to: number): Promise<void> {
  const step = 5000
  for (let at = from; at < to; at += step) {
    await produce(config.eventsTopic, clicks(at, Math.min(at + step, to)))
  }
}

async function expectEachOnce(harness: Harness, count: number): Promise<void> {
  const numbers = (await loggedIds(harness)).map(id => Number(id.slice('e-'.length)))
  const { rows } = await harness.database.pool.query(
    'select sum(next_offset) as read from consumer_offsets'
  )
  expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i))
  expect(Number(rows[0].read)).toBe(count)
}
