// Everything between a shop and the committed log, each part a process that can be killed: a broker,
// a durable Postgres, and the ingestion program. For benchmarks, and for the test of faults.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { startEmbeddedPostgres } from '#shared/database/embedded-postgres.ts'
import { migrate } from '#shared/database/migrate.ts'
import { createPool, type Pool } from '#shared/database/pool.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { type Broker, startBroker } from './broker.ts'
import { createTopic } from './client.ts'
import { installKafka } from './install-kafka.ts'

export interface Pipeline {
  readonly kafka: Broker
  readonly pool: Pool
  /** Restarted by itself when it is killed, at the same address. */
  readonly postgres: { kill(): Promise<void> }
  readonly topics: { readonly events: string; readonly deadLetters: string }
  /** Starts one more ingestion process and returns when it reads. */
  ingest(): Promise<IngestionProcess>
  close(): Promise<void>
}

export interface IngestionProcess {
  /** Bytes of memory that it has now. */
  memory(): Promise<number>
  /** Ends it and waits for that; 'SIGKILL' is kill -9. */
  end(signal: NodeJS.Signals): Promise<void>
  /** When it began to read, by performance.now(). */
  readonly readingSince: number
  /** Whether it has ended without `end` being called. */
  hasFallen(): boolean
  /** What it has logged, a JSON text each. */
  readonly lines: readonly string[]
}

const log = createLogger({ name: 'pipeline', level: 'silent' })
const topics = { events: 'events', items: 'items', deadLetters: 'events.dead-letter' }

/** Starts a broker and a database with empty topics; says what is missing where there is no Kafka. */
export async function startPipeline(partitions: number): Promise<Pipeline | { missing: string }> {
  const installed = await installKafka()
  if ('missing' in installed) return installed
  const kafka = await startBroker(installed)
  for (const name of Object.values(topics)) await createTopic(kafka.brokers, name, partitions)
  const folder = await mkdtemp(join(tmpdir(), 'nextrie-pipeline-'))
  const server = await startEmbeddedPostgres({ folder, log })
  const pool = createPool(server.url, { name: 'pipeline', log })
  await migrate(pool, 'migrations', log)
  const processes: IngestionProcess[] = []
  return {
    kafka,
    pool,
    topics,
    postgres: { kill: () => killPostmaster(server.home) },
    ingest: async () => {
      const started = await startIngestion(server.url, kafka.brokers)
      processes.push(started)
      return started
    },
    close: async () => {
      await Promise.all(processes.map(each => each.end('SIGTERM')))
      await pool.end()
      await server.stop()
      await kafka.stop()
      await rm(server.home, { recursive: true, force: true })
      await rm(folder, { recursive: true, force: true })
    }
  }
}

/** Waits until `condition` holds, asked again and again; a failure to answer is a no. */
export async function until(condition: () => Promise<boolean>, limitMs: number): Promise<void> {
  const deadline = performance.now() + limitMs
  while (!(await condition().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`waited ${limitMs} ms: ${condition}`)
    await new Promise(resolve => setTimeout(resolve, 20))
  }
}

async function startIngestion(databaseUrl: string, brokers: string[]): Promise<IngestionProcess> {
  const loaders = ['tsx', './services/nextrie/stop-with-parent.ts']
  const args = [...loaders.flatMap(loader => ['--import', loader]), 'services/ingestion/main.ts']
  const env = {
    ...process.env,
    DATABASE_URL: databaseUrl,
    KAFKA_BROKERS: brokers.join(','),
    INGESTION_PORT: '0' // several run side by side
  }
  const child = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit', 'ipc'] })
  const lines: string[] = []
  await new Promise<void>((resolve, reject) => {
    createInterface(child.stdout!).on('line', line => {
      lines.push(line)
      if (line.includes('"msg":"reading partitions"')) resolve()
    })
    child.once('exit', code => reject(new Error(`ingestion ended with ${code}: ${lines.at(-1)}`)))
  })
  let isEnding = false
  return {
    lines,
    readingSince: performance.now(),
    memory: () => residentBytes(child.pid!),
    hasFallen: () => !isEnding && hasEnded(child),
    end: signal => {
      isEnding = true
      return end(child, signal)
    }
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (hasEnded(child)) return
  child.kill(signal)
  await once(child, 'exit')
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return 1024 * Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1])
}

async function killPostmaster(home: string): Promise<void> {
  const pid = Number(
    (await readFile(join(home, 'cluster/data/postmaster.pid'), 'utf8')).split('\n')[0]
  )
  process.kill(pid, 'SIGKILL')
}
