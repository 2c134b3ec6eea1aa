// Serving over HTTP beside the bare computation: latency, requests a second and memory by catalogue size
//
// --items 1e4,1e5,1e6 --search beam,exact --connections 1,16,64 --seconds 2 --width 20; --soak 100000
// also sends so many requests to the smallest catalogue and looks whether the memory grows.
// Releases are synthetic (random weights of the recipe's size, IDs of the shape that a trained one has),
// sessions have five clicks, answers ten items. The service is the real program on the real Postgres;
// it, the load generator and Postgres share the cores, so that throughput is a lower bound. What the
// service would answer with the cores to itself is told beside it, from the processor time that it took.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { migrationsFolder } from '#services/nextrie/migrations-folder.ts'
import { startServing } from '#services/nextrie/start-serving.ts'
import { startEmbeddedPostgres } from '#shared/database/embedded-postgres.ts'
import { migrate } from '#shared/database/migrate.ts'
import { createPool } from '#shared/database/pool.ts'
import type { SearchName } from '#shared/recommendations/rank.ts'
import { announceRelease } from '#shared/releases/registry.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { createRandom } from '#shared/runtime/random.ts'
import type { BenchOptions, Figure } from './report.ts'
import { type BareTimes, bareTimes, loadBare } from './serving/bare.ts'
import { type LoadResult, load } from './serving/load.ts'
import { writeSyntheticRelease } from './serving/synthetic-release.ts'

const cores = availableParallelism()
const log = createLogger({ name: 'bench', level: 'warn' })
/** Different requests that are sent in turn. */
const variants = 200
/** Until what runs often is compiled. */
const warmingSeconds = 5
/** Garbage comes and goes by a fifth of the memory; what leaks stays: the lowest is compared, of so many. */
const soakSamples = 10
/** Room for what the allocator keeps; no growth means no more than that. */
const memoryJitter = 1.02

interface Settings {
  readonly items: readonly number[]
  readonly searches: readonly SearchName[]
  readonly connections: readonly number[]
  readonly seconds: number
  readonly width: number
  readonly soak: number
}

/** One release under one search. */
interface Case {
  readonly items: number
  readonly search: SearchName
  readonly name: string
  readonly bare: BareTimes
}

export async function run(options: BenchOptions): Promise<readonly Figure[]> {
  const settings = settingsOf(options)
  const folder = await mkdtemp(join(tmpdir(), 'nextrie-bench-'))
  const postgres = await startEmbeddedPostgres({ folder: join(folder, 'postgres'), log })
  const pool = createPool(postgres.url)
  try {
    await migrate(pool, migrationsFolder, log)
    const figures: Figure[] = [
      { name: 'load of the machine before', value: loadavg()[0]!, unit: `on ${cores} cores` }
    ]
    const constant = await constantFigures(settings)
    figures.push(...constant.figures)
    const latencies = new Map<string, number>()
    for (const items of settings.items) {
      const { manifest, location } = await writeSyntheticRelease(join(folder, 'releases'), items)
      await announceRelease(pool, { manifest, location })
      for (const search of settings.searches) {
        const name = `${search}, ${items.toExponential().replace('+', '')} items`
        const bare = await bareOf(location, search, settings)
        const one = { items, search, name, bare }
        const measured = await serviceFigures(one, settings, {
          databaseUrl: postgres.url,
          constant: constant.p50
        })
        figures.push(...measured.figures)
        latencies.set(`${search} ${items}`, measured.p50)
      }
      await rm(location, { recursive: true })
    }
    return [...figures, ...growthFigures(settings, latencies)]
  } finally {
    await pool.end()
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

function settingsOf(options: BenchOptions): Settings {
  const list = (value: string | true | undefined, standard: string) =>
    String(value ?? standard).split(',')
  return {
    items: list(options.items, '1e4,1e5,1e6').map(Number),
    searches: list(options.search, 'beam,exact') as SearchName[],
    connections: list(options.connections, '1,16,64').map(Number),
    seconds: Number(options.seconds ?? 2),
    width: Number(options.width ?? 20),
    soak: Number(options.soak ?? 0)
  }
}

/** Sessions of five clicks; the same for the bare computation and the service. */
function sessions(items: number): string[][] {
  const random = createRandom(9)
  return Array.from({ length: variants }, () =>
    Array.from({ length: 5 }, () => `i${random.integer(items)}`)
  )
}

/** An exact search needs no more than it returns. */
function widthOf(search: SearchName, { width }: Settings): number {
  return search === 'exact' ? 10 : width
}

async function bareOf(location: string, search: SearchName, settings: Settings) {
  const model = await loadBare(location)
  const questions = sessions(model.itemCount).map(keys => ({
    clicks: keys.map(itemKey => ({ itemKey, type: 'click', at: 0 }) as const),
    count: 10,
    exclude: []
  }))
  return bareTimes(model, { search, width: widthOf(search, settings) }, questions)
}

async function constantFigures({ connections, seconds }: Settings) {
  const file = fileURLToPath(new URL('./serving/constant-server.ts', import.meta.url))
  const server = spawn(process.execPath, ['--import', 'tsx', file, '780'], {
    stdio: ['ignore', 'pipe', 'inherit']
  })
  try {
    const [port] = (await once(server.stdout, 'data')) as [Buffer]
    const url = `http://127.0.0.1:${String(port).trim()}`
    const bodies = [JSON.stringify({ items: ['i1', 'i2', 'i3', 'i4', 'i5'], n: 10 })]
    await load({ url, bodies, connections: 1, seconds: 1 })
    const figures: Figure[] = []
    let p50 = Number.NaN
    for (const count of connections) {
      const result = await load({ url, bodies, connections: count, seconds })
      if (count === 1) p50 = result.p50
      figures.push(...latencyFigures(`a constant, ${count} connections`, result))
    }
    return { figures, p50 }
  } finally {
    server.kill()
  }
}

async function serviceFigures(
  { items, search, name, bare }: Case,
  settings: Settings,
  { databaseUrl, constant }: { readonly databaseUrl: string; readonly constant: number }
) {
  const port = 20_000 + (process.pid % 20_000)
  const url = `http://127.0.0.1:${port}`
  const environment = {
    DATABASE_URL: databaseUrl,
    PORT: String(port),
    LOG_LEVEL: 'warn',
    REQUESTS_PER_MINUTE: '0',
    SEARCH: search,
    SEARCH_WIDTH: String(widthOf(search, settings))
  }
  const mostConnections = Math.max(...settings.connections)
  const serving = await startServing(url, environment, new AbortController().signal)
  try {
    const bodies = sessions(items).map(keys => JSON.stringify({ items: keys, n: 10 }))
    await load({ url, bodies, connections: 8, seconds: warmingSeconds })
    const figures: Figure[] = [
      { name: `bare session graph, ${name}`, value: bare.graph, unit: 'ms' },
      { name: `bare generation, ${name}`, value: bare.generation, unit: 'ms' },
      { name: `bare request, ${name}`, value: bare.whole, unit: 'ms' },
      { name: `bare request of eight at once, ${name}`, value: bare.wholeOfEight, unit: 'ms' }
    ]
    let p50 = Number.NaN
    for (const count of settings.connections) {
      const before = await processorSecondsOf(url)
      const result = await load({ url, bodies, connections: count, seconds: settings.seconds })
      const milliseconds = 1000 * ((await processorSecondsOf(url)) - before)
      if (count === 1) p50 = result.p50
      const title = `${name}, ${count} connections`
      figures.push(...boundedFigures(title, count, result))
      if (count === mostConnections) {
        figures.push(...processorFigures(title, milliseconds / result.answered))
      }
    }
    figures.push({ name: `memory of the service, ${name}`, value: await memoryOf(url), unit: 'MB' })
    if (settings.soak > 0 && items === settings.items[0]) {
      figures.push(await soakFigure(url, bodies, settings.soak, name))
    }
    return { figures, p50 }
  } finally {
    await serving.stop()
  }

  function processorFigures(title: string, milliseconds: number): Figure[] {
    return [
      { name: `processor time of a request, ${title}`, value: milliseconds, unit: 'ms' },
      {
        name: `requests that it leaves room for, ${title}`,
        value: (cores * 1000) / milliseconds,
        unit: 'requests/s',
        reference: (cores * 1000) / bare.whole
      }
    ]
  }

  function boundedFigures(title: string, count: number, result: LoadResult): Figure[] {
    const [p50, ...others] = latencyFigures(title, result)
    const perSecond = others.pop()!
    return [
      count === 1
        ? { ...p50!, reference: bare.whole + constant, wanted: { of: 'ratio', atMost: 2 } }
        : p50!,
      ...others,
      count === mostConnections
        ? {
            ...perSecond,
            reference: (cores * 1000) / bare.whole,
            wanted: { of: 'ratio', atLeast: 0.6 }
          }
        : perSecond,
      {
        name: `failed, ${title}`,
        value: result.failed,
        unit: `of ${result.answered}`,
        wanted: { of: 'value', atMost: 0 }
      }
    ]
  }
}

function latencyFigures(title: string, result: LoadResult): Figure[] {
  return [
    { name: `p50, ${title}`, value: result.p50, unit: 'ms' },
    { name: `p95, ${title}`, value: result.p95, unit: 'ms' },
    { name: `p99, ${title}`, value: result.p99, unit: 'ms' },
    { name: `throughput, ${title}`, value: result.perSecond, unit: 'requests/s' }
  ]
}

/** The time at one connection from the smallest catalogue to the largest. */
function growthFigures(settings: Settings, latencies: ReadonlyMap<string, number>): Figure[] {
  const [least, most] = [Math.min(...settings.items), Math.max(...settings.items)]
  return settings.searches.map(search => ({
    name: `p50 of ${most} items beside ${least}, ${search}`,
    value: latencies.get(`${search} ${most}`) ?? Number.NaN,
    unit: 'ms',
    reference: latencies.get(`${search} ${least}`) ?? Number.NaN
  }))
}

/** Megabytes resident, by the service's own account. */
async function memoryOf(url: string): Promise<number> {
  return (await metricOf(url, 'process_resident_memory_bytes')) / 1e6
}

/** Of all its threads, since it started. */
function processorSecondsOf(url: string): Promise<number> {
  return metricOf(url, 'process_cpu_seconds_total')
}

/** NaN when there is none. */
async function metricOf(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1])
}

/** The least memory seen in the second half of the requests beside that of the first half. */
async function soakFigure(
  url: string,
  bodies: readonly string[],
  amount: number,
  name: string
): Promise<Figure> {
  await load({ url, bodies, connections: 16, amount: Math.ceil(amount / 5) })
  const least = async () => {
    const seen: number[] = []
    for (let part = 0; part < soakSamples; part++) {
      await load({ url, bodies, connections: 16, amount: Math.ceil(amount / soakSamples / 2) })
      seen.push(await memoryOf(url))
    }
    return Math.min(...seen)
  }
  const reference = await least()
  return {
    name: `least memory in the second half of ${amount} requests, ${name}`,
    value: await least(),
    unit: 'MB',
    reference,
    wanted: { of: 'ratio', atMost: memoryJitter }
  }
}
