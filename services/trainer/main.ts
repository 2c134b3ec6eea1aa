// The trainer: reads the event log once, publishes a release, and ends. `main.ts evaluate` measures
// the live release instead.
import { withPool } from '#shared/database/pool.ts'
import { reportTable } from '#shared/evaluation/report-table.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { runMain } from '#shared/runtime/shutdown.ts'
import { startTrainingBackend } from './backend.ts'
import { recipe, trainerConfig } from './config.ts'
import { evaluateRelease } from './evaluate-release.ts'
import { terminalReporter } from './terminal-reporter.ts'
import { trainRelease } from './train-release.ts'

/** A statement reads a stretch of the log, or the catalogue: one that takes longer has gone silent. */
const statementMs = 600_000

const log = createLogger({ name: 'trainer', level: 'info' })

await runMain(log, async () => {
  const config = trainerConfig(process.env)
  log.level = config.logLevel
  const report = terminalReporter(process.stderr)
  const options = { name: 'nextrie-trainer', queryMs: statementMs, log }
  await withPool(config.databaseUrl, options, async pool => {
    const backend = await startTrainingBackend(config.backend, log)
    if (process.argv[2] === 'evaluate') {
      const { releaseId, rows } = await evaluateRelease(pool, report)
      log.info({ release: releaseId }, 'release evaluated')
      process.stdout.write(`${reportTable(rows)}\n`)
    } else {
      const task = { pool, config, recipe, backend, report, log }
      const { manifest, location } = await trainRelease(task)
      log.info({ release: manifest.releaseId, location }, 'release published')
      process.stdout.write(`${reportTable(manifest.metrics)}\n`)
    }
  })
})
