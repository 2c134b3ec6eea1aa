import { expect, test } from 'vitest'
import { Headway } from '#services/ingestion/health.ts'
import { watchPartitions } from '#services/ingestion/watch-partitions.ts'
import { createPool } from '#shared/database/pool.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { createTestDatabase } from '#test/support/postgres.ts'
import { startSilentProxy } from '#test/support/silent-proxy.ts'

const log = createLogger({ name: 'test', level: 'silent' })

test('a look at a connection that went silent is given up, and the next one sees', async () => {
  const database = await createTestDatabase()
  const proxy = await startSilentProxy(database.url)
  const pool = createPool(proxy.url, { size: 1 }) // whatever the pool's own patience
  const headway = new Headway({ stuckMs: 60_000, blindMs: 60_000 })
  let next = 1
  const partitionEnds = async () => [{ partition: 0, oldest: 0, next }]
  const stop = watchPartitions({
    kafka: { partitionEnds },
    pool,
    group: 'g',
    topics: ['events'],
    headway,
    everyMs: 10,
    log
  })
  const lag = () => headway.lags()[0]?.lag
  await expect.poll(lag).toBe(1)

  proxy.silenceOpen()
  next = 2
  await expect.poll(lag, { timeout: 20_000 }).toBe(2)

  await stop()
  await pool.end()
  await proxy.close()
  await database.drop()
})
