// The command line `nextrie`: runs everything on one machine, or one program at a time. What checks
// messages is loaded by the commands that need it: that takes a second in a checkout.
import { resolve } from 'node:path'
import { Command, InvalidArgumentError } from 'commander'
import { migrate } from '#shared/database/migrate.ts'
import { type Pool, withPool } from '#shared/database/pool.ts'
import { keepMonths } from '#shared/eventlog/event-months.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { fileError } from '#shared/runtime/file-error.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { onShutdown } from '#shared/runtime/shutdown.ts'
import { urlOf } from '#shared/runtime/url-of.ts'
import {
  addressConfig,
  apiKeyConfig,
  databaseConfig,
  doctorConfig,
  sessionConfig,
  topicsConfig
} from './config.ts'
import { addDeadLetterCommands } from './dead-letter-commands.ts'
import { describeFindings, examine, isHealthy } from './doctor.ts'
import { addIndexCommand } from './index-command.ts'
import { interruption } from './interruption.ts'
import { addItemCommands } from './item-commands.ts'
import { addKeyCommands } from './key-commands.ts'
import { addLogCommands } from './log-commands.ts'
import { migrationsFolder } from './migrations-folder.ts'
import { type ProgramName, runProgram } from './programs.ts'
import { askRecommendation, describeAnswer } from './recommend.ts'
import { wholeNumber } from './whole-number.ts'

/** A statement reads or writes a batch: one that takes longer has gone silent. */
const statementMs = 600_000

const log = createLogger({ name: 'nextrie', level: 'warn' })
const nextrie = new Command('nextrie').description(
  'Recommends the next item of a session by generating it. Settings come from the environment; ' +
    'services/nextrie/README.md lists them.'
)

nextrie
  .command('start')
  .description('run everything on this machine: database, bundled data, training, service')
  .option('--fresh', 'start over: remove the database and the releases of earlier starts')
  .option('--once', 'do everything, ask for one recommendation, print it, and end')
  .option('--state <folder>', 'where the database and the releases are kept', '.nextrie')
  .action(async ({ fresh = false, once = false, state }) => {
    const { start } = await import('./start.ts')
    const interruption = new AbortController()
    const started = start({
      state: resolve(state),
      isFresh: fresh,
      isOnce: once,
      environment: process.env,
      log,
      write,
      signal: interruption.signal
    }).catch(ignoring(interruption.signal))
    process.on('SIGHUP', () => process.kill(process.pid, 'SIGTERM')) // the terminal was closed
    onShutdown(log, () => {
      write('\nStopping …')
      interruption.abort()
      return started
    })
    await started
  })

nextrie
  .command('migrate')
  .description('bring the database of DATABASE_URL to the schema of this version')
  .action(() =>
    withPool(ownDatabase(), { name: 'nextrie', log }, async pool => {
      const applied = await migrate(pool, migrationsFolder, log)
      await keepMonths(pool)
      write(applied.length > 0 ? `applied ${applied.join(', ')}` : 'the schema is up to date')
    })
  )

runs('ingest', 'ingestion', [], 'take events and items from Kafka into the log until stopped')
runs('train', 'trainer', ['train'], 'train on the log, evaluate, and publish a release')
runs('evaluate', 'trainer', ['evaluate'], 'evaluate the live release and the baselines on the log')
runs('serve', 'serving', [], 'answer recommendations over HTTP until stopped')

const commandParts = { withDatabase, write, interruption, topics: () => topicsConfig(process.env) }
addLogCommands(nextrie, commandParts)
addDeadLetterCommands(nextrie, commandParts)
addKeyCommands(nextrie, commandParts)
addItemCommands(nextrie, commandParts)
addIndexCommand(nextrie, {
  withDatabase,
  write,
  hasDatabase: () => process.env.DATABASE_URL !== undefined,
  gapMinutes: () => sessionConfig(process.env).gapMinutes,
  progressTo: process.stderr
})

nextrie
  .command('recommend')
  .description('ask the running service for the next items of a session')
  .option('--session <id>', 'a session whose events the service knows')
  .option('--items <keys>', 'the items clicked so far instead, oldest first, with commas between')
  .option('-n, --count <number>', 'how many items', wholeNumber(1))
  .option('--url <url>', 'where the service listens (default: HOST and PORT)', webAddress)
  .action(async ({ session, items, count, url = urlOf(addressConfig(process.env)) }) => {
    if ((session === undefined) === (items === undefined)) {
      throw new RecommenderError('ARGUMENT_INVALID', 'give either --session or --items')
    }
    const about = session === undefined ? { items: items.split(',') } : { session }
    const { apiKey } = apiKeyConfig(process.env)
    write(describeAnswer(await askRecommendation({ url, about, count, apiKey })))
  })

nextrie
  .command('schemas')
  .description('write the contracts of events and items as JSON Schema files')
  .argument('<folder>', 'where to write them')
  .action(async folder => {
    const { writeSchemas } = await import('./write-schemas.ts')
    for (const file of await writeSchemas(folder)) write(file)
  })

nextrie
  .command('doctor')
  .description('say what is installed, reachable and loaded, and how to mend what is not')
  .action(async () => {
    const findings = await examine(doctorConfig(process.env), process.env)
    write(describeFindings(findings))
    if (!isHealthy(findings)) process.exitCode = 1
  })

try {
  await nextrie.parseAsync()
} catch (failure) {
  const error = fileError(failure)
  if (!(error instanceof RecommenderError)) throw error
  process.stderr.write(`nextrie: ${error.message}\n`)
  process.exitCode = 1
}

/** A command that runs another program, and ends with its exit code. */
function runs(command: string, name: ProgramName, args: string[], description: string): void {
  nextrie
    .command(command)
    .description(description)
    .action(async () => {
      process.exitCode = await runProgram({ name, args, environment: process.env })
    })
}

async function withDatabase(act: (pool: Pool) => Promise<void>): Promise<void> {
  await withPool(ownDatabase(), { name: 'nextrie', queryMs: statementMs, log }, act)
}

function ownDatabase(): string {
  return databaseConfig(process.env).databaseUrl
}

function webAddress(text: string): string {
  if (/^https?:/.test(text) && URL.canParse(text)) return text
  throw new InvalidArgumentError('It must be an address as http://127.0.0.1:8080.')
}

/** An interrupted start ends with the signal's own reason, which is no failure. */
function ignoring(signal: AbortSignal): (error: unknown) => void {
  return error => {
    if (!signal.aborted || error !== signal.reason) throw error
  }
}

function write(line: string): void {
  process.stdout.write(`${line}\n`)
}
