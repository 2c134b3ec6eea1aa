// Ingestion: from Kafka's topics `events` and `items` into the log and the catalogue.
import { createPool, toDatabaseError } from '#shared/database/pool.ts'
import { startUpkeep } from '#shared/eventlog/event-months.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { createMetrics } from '#shared/runtime/metrics.ts'
import { onShutdown, runMain } from '#shared/runtime/shutdown.ts'
import { ingestionConfig } from './config.ts'
import { batchesAtOnce } from './consumer.ts'
import { createHeadway, startIngestion, statementMs } from './ingestion.ts'
import { startOperationsServer } from './operations-server.ts'

/** A connection for each batch, and two for those who look at offsets. */
const poolSize = batchesAtOnce + 2
/** To move a month's events, or to drop them, takes minutes in a large log. */
const upkeepMs = 600_000

const log = createLogger({ name: 'ingestion', level: 'info' })

await runMain(log, async () => {
  const config = ingestionConfig(process.env)
  log.level = config.logLevel
  const { databaseUrl, host, port, retentionDays } = config
  const name = 'nextrie-ingestion'
  const pool = createPool(databaseUrl, { name, size: poolSize, queryMs: statementMs(config), log })
  const upkeepPool = createPool(databaseUrl, { name, size: 1, queryMs: upkeepMs, log })

  // Told to stop, it may be waiting for Kafka or Postgres: then what has been started so far is ended.
  const stopping = new AbortController()
  const { signal } = stopping
  const running: (() => Promise<void>)[] = []
  onShutdown(log, async () => {
    stopping.abort()
    await Promise.all(running.map(stop => stop()))
    await Promise.all([pool.end(), upkeepPool.end()])
  })

  const [metrics, headway] = [createMetrics(), createHeadway(config)]
  const health = () => headway.health()
  const operations = await startOperationsServer({ host, port, metrics, health })
  running.push(operations.close)
  try {
    const starting = startIngestion({ config, pool, log, metrics, headway, signal })
    running.push(() => starting.then(({ stop }) => stop()).catch(ignoring(signal)))
    const ingestion = await starting
    running.push(startUpkeep(upkeepPool, { retentionDays, log }))
    const { group, eventsTopic, itemsTopic } = config
    log.info({ group, topics: [eventsTopic, itemsTopic], operations: operations.url }, 'consuming')
    await ingestion.failed
  } catch (error) {
    ignoring(signal)(toDatabaseError(error))
  }
})

/** A start that was given up ends with the signal's own reason, which is no failure. */
function ignoring(signal: AbortSignal): (error: unknown) => void {
  return error => {
    if (!signal.aborted || error !== signal.reason) throw error
  }
}
