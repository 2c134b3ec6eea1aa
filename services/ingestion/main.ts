// Ingestion: from Kafka's topics `events` and `items` into the log and the catalogue.
import { createPool } from '#shared/database/pool.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { onShutdown, runMain } from '#shared/runtime/shutdown.ts'
import { ingestionConfig } from './config.ts'
import { startIngestion } from './ingestion.ts'

const log = createLogger({ name: 'ingestion', level: 'info' })

await runMain(log, async () => {
  const config = ingestionConfig(process.env)
  log.level = config.logLevel
  const pool = createPool(config.databaseUrl, { name: 'nextrie-ingestion', size: 3, log })
  const ingestion = await startIngestion({ config, pool, log })
  onShutdown(log, async () => {
    await ingestion.stop()
    await pool.end()
  })
  const { group, eventsTopic, itemsTopic } = config
  log.info({ group, topics: [eventsTopic, itemsTopic] }, 'consuming')
  await ingestion.failed
})
