// Ingestion: from Kafka's topics `events` and `items` into the log and the catalogue.
import { createPool } from '#shared/database/pool.ts'
import { startUpkeep } from '#shared/eventlog/event-months.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { createMetrics } from '#shared/runtime/metrics.ts'
import { onShutdown, runMain } from '#shared/runtime/shutdown.ts'
import { ingestionConfig } from './config.ts'
import { batchesAtOnce } from './consumer.ts'
import { createHeadway, startIngestion } from './ingestion.ts'
import { startOperationsServer } from './operations-server.ts'

/** A connection for each batch, two for those who look at offsets, one for the upkeep of the log. */
const poolSize = batchesAtOnce + 3

const log = createLogger({ name: 'ingestion', level: 'info' })

await runMain(log, async () => {
  const config = ingestionConfig(process.env)
  log.level = config.logLevel
  const [metrics, headway] = [createMetrics(), createHeadway(config)]
  const { host, port } = config
  const health = () => headway.health()
  const operations = await startOperationsServer({ host, port, metrics, health })
  const pool = createPool(config.databaseUrl, { name: 'nextrie-ingestion', size: poolSize, log })
  const { retentionDays } = config
  const stopUpkeep = startUpkeep(pool, { retentionDays, log })
  const ingestion = await startIngestion({ config, pool, log, metrics, headway })
  onShutdown(log, async () => {
    await ingestion.stop()
    await operations.close()
    await stopUpkeep()
    await pool.end()
  })
  const { group, eventsTopic, itemsTopic } = config
  log.info({ group, topics: [eventsTopic, itemsTopic], operations: operations.url }, 'consuming')
  await ingestion.failed
})
