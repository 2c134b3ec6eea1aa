// `nextrie start` (npm start): the whole product on one machine. Each stage looks at what is there
// and does only what is missing: the first start imports and trains, the second one just serves, and
// a start that was killed anywhere is continued by the next.
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '#shared/database/embedded-postgres.ts'
import { migrate } from '#shared/database/migrate.ts'
import { createPool, type Pool } from '#shared/database/pool.ts'
import { reportTable } from '#shared/evaluation/report-table.ts'
import { keepMonths } from '#shared/eventlog/event-months.ts'
import { type AnnouncedRelease, liveRelease } from '#shared/releases/registry.ts'
import type { Environment } from '#shared/runtime/config.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { Logger } from '#shared/runtime/logging.ts'
import { urlOf } from '#shared/runtime/url-of.ts'
import { type AddressConfig, addressConfig } from './config.ts'
import { hasEvent } from './has-event.ts'
import { migrationsFolder } from './migrations-folder.ts'
import { freePort } from './ports.ts'
import { startProgram } from './programs.ts'
import { findDataset, surveyDataset } from './read-dataset.ts'
import { askRecommendation, describeAnswer } from './recommend.ts'
import { createStages, type Stages } from './stages.ts'
import { startServing } from './start-serving.ts'

export interface StartOptions {
  /** Folder of the database and the releases. */
  readonly state: string
  /** Removes what earlier starts left. */
  readonly isFresh: boolean
  /** Asks one question, prints the answer and the evaluation, and ends. */
  readonly isOnce: boolean
  readonly environment: Environment
  readonly log: Logger
  readonly write: (line: string) => void
  /** Interrupts: everything is closed in order, and the start throws the signal's reason. */
  readonly signal: AbortSignal
}

const bundledDataset = 'eshop-clothing-2008'
/** Two pairs of trousers of the bundled catalogue. */
const exampleClicks = ['A13', 'A16']

/** Runs until it is interrupted or, with `isOnce`, until the one question is answered. */
export async function start(options: StartOptions): Promise<void> {
  const stages = createStages(options.write, options.signal)
  try {
    const address = await chooseAddress(options)
    const url = urlOf(address)
    const { pool, databaseUrl } = await openDatabase(options, stages)
    const environment = programEnvironment({ address, databaseUrl, options })

    if (options.isFresh) await stages.run('fresh', tell => clearState(pool, options, tell))
    await stages.run('schema', tell => bringSchema(pool, options, tell))
    await stages.run('data', tell => bringData(pool, options, tell))
    const earlier = await usableRelease(pool)
    await stages.run('release', async tell => {
      tell((earlier ?? (await train(pool, environment, options))).releaseId)
    })
    const serving = await stages.run('serving', async tell => {
      const program = await startServing(url, quiet(environment), options.signal)
      stages.onClose(() => program.stop())
      tell(url)
      return program
    })
    if (options.isOnce) {
      await askOnce(url, options)
      if (earlier) describeQuality(earlier, options)
    } else await untilEnd(serving.exited, url, options)
  } finally {
    await stages.close()
  }
}

/** @throws CONFIG_INVALID when the port is taken; for one question any free port does. */
async function chooseAddress({ environment, isOnce }: StartOptions): Promise<AddressConfig> {
  const { host, port } = addressConfig(environment)
  const free = (await freePort(host, port)) ?? (isOnce ? await freePort(host, 0) : undefined)
  if (free !== undefined) return { host, port: free }
  throw new RecommenderError(
    'CONFIG_INVALID',
    `port ${port} of ${host} is taken: stop the program that has it, or choose another, as in ` +
      `\`PORT=${port + 1} npm start\``
  )
}

async function openDatabase({ state, log }: StartOptions, stages: Stages) {
  return stages.run('postgres', async tell => {
    const server = await startEmbeddedPostgres({ folder: join(state, 'postgres'), log })
    stages.onClose(server.stop)
    const pool = createPool(server.url, { name: 'nextrie' })
    stages.onClose(() => pool.end())
    tell(`on port ${server.port}, files in ${server.home}`)
    return { pool, databaseUrl: server.url }
  })
}

interface ProgramFacts {
  readonly address: AddressConfig
  readonly databaseUrl: string
  readonly options: StartOptions
}

/** Our own environment, and what the programs must know of this start. */
function programEnvironment({ address, databaseUrl, options }: ProgramFacts): Environment {
  return {
    ...options.environment,
    DATABASE_URL: databaseUrl,
    KAFKA_BROKERS: '', // everything is on this machine: nobody would ingest from elsewhere
    RELEASES_FOLDER: releasesFolder(options),
    SHUTDOWN_GRACE_MS: '0', // nobody spreads requests here: Ctrl-C need not wait for them
    HOST: address.host,
    PORT: String(address.port)
  }
}

/** The stages tell what happens; a line for each request would bury them. */
function quiet(environment: Environment): Environment {
  return { ...environment, LOG_LEVEL: environment.LOG_LEVEL || 'warn' }
}

/** Everything of ours in the database is in this schema. */
async function clearState(pool: Pool, options: StartOptions, tell: Tell): Promise<void> {
  await pool.query('drop schema public cascade')
  await pool.query('create schema public')
  await rm(releasesFolder(options), { recursive: true, force: true })
  tell('the data and the releases of earlier starts are removed')
}

function releasesFolder({ state }: StartOptions): string {
  return join(state, 'releases')
}

async function bringSchema(pool: Pool, { log }: StartOptions, tell: Tell): Promise<void> {
  const applied = await migrate(pool, migrationsFolder, log)
  await keepMonths(pool)
  tell(applied.length > 0 ? `migrations ${applied.join(', ')} applied` : 'up to date')
}

async function bringData(pool: Pool, { signal }: StartOptions, tell: Tell): Promise<void> {
  const folder = findDataset(bundledDataset)
  const { lastEventId } = await surveyDataset(folder)
  if (lastEventId !== undefined && (await hasEvent(pool, lastEventId))) {
    tell(`${bundledDataset} is in the log`)
    return
  }
  const { describeImport, reportImport } = await import('./report-import.ts')
  const counts = await reportImport({ pool, folder, stream: process.stderr, signal })
  tell(describeImport(folder, counts))
}

/** The live release, unless its files are gone. */
async function usableRelease(pool: Pool): Promise<AnnouncedRelease | undefined> {
  const live = await liveRelease(pool)
  return live && existsSync(live.location) ? live : undefined
}

async function train(
  pool: Pool,
  environment: Environment,
  { signal }: StartOptions
): Promise<AnnouncedRelease> {
  const trainer = startProgram({ name: 'trainer', args: ['train'], environment })
  const interrupt = () => void trainer.stop()
  signal.addEventListener('abort', interrupt)
  const code = await trainer.exited
  signal.removeEventListener('abort', interrupt)
  signal.throwIfAborted()
  const release = await usableRelease(pool)
  if (code === 0 && release) return release
  throw new RecommenderError(
    'PROGRAM_FAILED',
    code === 0
      ? 'the trainer ended well but published no release; its messages are above'
      : `the trainer failed with exit code ${code}; its messages are above`
  )
}

async function askOnce(url: string, { write }: StartOptions): Promise<void> {
  const answer = await askRecommendation({ url, about: { items: exampleClicks }, count: 5 })
  write(`\nAfter clicks on ${exampleClicks.join(' and ')}: ${describeAnswer(answer)}`)
}

/** The trainer prints the same when it has trained. */
function describeQuality({ manifest }: AnnouncedRelease, { write }: StartOptions): void {
  write(`\nQuality on the held-out later sessions:\n${reportTable(manifest.metrics)}`)
}

/** @throws PROGRAM_FAILED when serving ends by itself. */
async function untilEnd(
  serving: Promise<number>,
  url: string,
  { signal, write }: StartOptions
): Promise<void> {
  const question = JSON.stringify({ items: exampleClicks, n: 5 })
  write(`
Click through items at ${url}/ or ask for recommendations:
  curl -s ${url}/v1/recommendations -H 'content-type: application/json' -d '${question}'
Ctrl-C stops everything.`)
  const interrupted = new Promise<void>(resolve => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve())
  })
  const code = await Promise.race([serving, interrupted])
  if (code !== undefined) {
    throw new RecommenderError('PROGRAM_FAILED', `serving ended by itself with exit code ${code}`)
  }
}

type Tell = (outcome: string) => void
