// New items by the product's own way: onboarded through PUT, recommended over HTTP; recall, and how soon.
//
// npm run bench -- cold-start --dataset PATH_OR_NAME [--draw 1] [--share 0.05] [--questions 2000]
//   [--timed 100] [--epochs N] [--recipe JSON]
//
// A random share of the items is cold, as in cold-items: training reads neither them nor their clicks. The
// release is served by two processes of the real program on a real Postgres. One is told of the cold items,
// by PUT and nothing else; the other one is asked. Questions are sessions whose events are in the log.
//
// Beside the service, over the same items and questions: drawn at random, and the items whose metadata
// vectors (of the release's own encoder, without keys) are nearest to that of the newest click.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { migrationsFolder } from '#services/nextrie/migrations-folder.ts'
import { startServing } from '#services/nextrie/start-serving.ts'
import { startTrainingBackend } from '#services/trainer/backend.ts'
import { parityFile } from '#services/trainer/parity-samples.ts'
import { terminalReporter } from '#services/trainer/terminal-reporter.ts'
import { trainModel } from '#services/trainer/train-model.ts'
import type { Item } from '#shared/catalog/item.ts'
import { catalogVersion } from '#shared/catalog/read-items.ts'
import { upsertItems } from '#shared/catalog/write-items.ts'
import { startEmbeddedPostgres } from '#shared/database/embedded-postgres.ts'
import { migrate } from '#shared/database/migrate.ts'
import { createPool, type Pool, withTransaction } from '#shared/database/pool.ts'
import { appendEvents } from '#shared/eventlog/append-events.ts'
import { openItemEncoder } from '#shared/recommendations/item-encoder.ts'
import { loadSharedModel } from '#shared/recommendations/load-shared-model.ts'
import { loadModel, modelFiles } from '#shared/recommendations/release-model.ts'
import { takeSample } from '#shared/recommendations/sample.ts'
import { announceRelease } from '#shared/releases/registry.ts'
import { writeRelease } from '#shared/releases/release-folder.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { createProgress } from '#shared/runtime/progress.ts'
import { createRandom } from '#shared/runtime/random.ts'
import type { Click } from '#shared/sessions/session.ts'
import { manifestFacts } from '#test/support/small-release.ts'
import { drawCold, withoutClicksOn } from './cold-items.ts'
import { type BenchSet, loadSet } from './quality/load-set.ts'
import type { SplitDataset } from './quality/read-dataset.ts'
import type { BenchOptions, Figure } from './report.ts'

const log = createLogger({ name: 'cold-start', level: 'warn' })
/** LIGER (arXiv 2411.18814) on Amazon Beauty, Recall@10: known and cold targets. */
const liger = { known: 0.0745, cold: 0.1008 }
/** What the other process may take to recommend an item, from the PUT on. */
const wantedMs = 2000
/** An item that is not recommended by then is counted as missed. */
const patienceMs = 10_000

/** What is asked: the clicks before a held-out one. */
interface Question {
  readonly clicks: readonly Click[]
  readonly target: string
}

interface Settings {
  readonly draw: number
  readonly share: number
  readonly questions: number
  readonly timed: number
}

export async function run(options: BenchOptions): Promise<readonly Figure[]> {
  const settings: Settings = {
    draw: Number(options.draw ?? 1),
    share: Number(options.share ?? 0.05),
    questions: Number(options.questions ?? 2000),
    timed: Number(options.timed ?? 100)
  }
  await startTrainingBackend('auto', log)
  let drawn: Drawn | undefined
  const loaded = await loadSet(withEpochs(options), dataset => {
    drawn = drawQuestions(dataset, settings)
    return drawn.known
  })
  if (!loaded || !drawn) return []
  const folder = await mkdtemp(join(tmpdir(), 'nextrie-cold-start-'))
  const postgres = await startEmbeddedPostgres({ folder: join(folder, 'postgres'), log })
  const pool = createPool(postgres.url)
  try {
    await migrate(pool, migrationsFolder, log)
    await upsertItems(pool, loaded.set.items)
    const location = await publish(pool, loaded, { folder, seed: settings.draw })
    return await measure(pool, { databaseUrl: postgres.url, location, loaded, drawn, settings })
  } finally {
    await pool.end()
    await postgres.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

function withEpochs({ epochs, ...options }: BenchOptions): BenchOptions {
  if (epochs === undefined) return options
  const recipe = { ...JSON.parse(String(options.recipe ?? '{}')), epochs: Number(epochs) }
  return { ...options, recipe: JSON.stringify(recipe) }
}

interface Drawn {
  readonly cold: ReadonlySet<string>
  readonly coldItems: readonly Item[]
  /** The data set as training reads it. */
  readonly known: SplitDataset
  readonly questions: readonly Question[]
}

function drawQuestions(dataset: SplitDataset, { share, draw, questions }: Settings): Drawn {
  const cold = drawCold(dataset, share, draw)
  const without = withoutClicksOn(dataset, cold)
  const isCold = ({ key }: Item) => cold.has(key)
  const asked = without.test.flatMap(({ clicks }) => questionsIn(clicks, dataset.asked))
  const random = createRandom(draw)
  const [ofCold, ofKnown] = [true, false].map(wants =>
    random.shuffle(asked.filter(({ target }) => cold.has(target) === wants))
  )
  return {
    cold,
    coldItems: dataset.items.filter(isCold),
    known: { ...without, items: dataset.items.filter(item => !isCold(item)) },
    questions: [...ofCold!.slice(0, questions), ...ofKnown!.slice(0, questions)]
  }
}

function questionsIn(clicks: readonly Click[], asked: SplitDataset['asked']): Question[] {
  const first = asked === 'last-click' ? clicks.length - 1 : 1
  return clicks.slice(first).map(({ itemKey }, i) => ({
    clicks: clicks.slice(0, first + i),
    target: itemKey
  }))
}

async function publish(
  pool: Pool,
  { set, recipe }: BenchSet,
  { folder, seed }: { readonly folder: string; readonly seed: number }
): Promise<string> {
  const version = await catalogVersion(pool)
  const report = terminalReporter(process.stderr)
  const trained = await trainModel(set, { recipe, seed, report, log })
  const model = loadModel(trained)
  const session = set.test.find(({ items }) => items.length > 1)!
  const clicked = Array.from(session.items.subarray(0, 3), item => set.itemKeys[item]!)
  const facts = manifestFacts({
    releaseId: 'cold-start',
    config: { settings: { sessionGapMinutes: 0 } },
    sample: takeSample(model, clicked)
  })
  const files = { ...modelFiles(trained), ...parityFile(model, set) }
  const data = { ...facts.data, catalogVersion: version }
  const release = await writeRelease(join(folder, 'releases'), { ...facts, data }, files)
  await announceRelease(pool, release)
  return release.location
}

interface Measuring {
  readonly databaseUrl: string
  readonly location: string
  readonly loaded: BenchSet
  readonly drawn: Drawn
  readonly settings: Settings
}

async function measure(pool: Pool, measuring: Measuring): Promise<Figure[]> {
  const { databaseUrl, drawn, loaded, location, settings } = measuring
  const environment = {
    DATABASE_URL: databaseUrl,
    LOG_LEVEL: 'warn',
    REQUESTS_PER_MINUTE: '0',
    SESSION_GAP_MINUTES: '0',
    RECOMMENDER_THREADS: '1'
  }
  const [told, asked] = [20_000, 40_000].map(first => first + (process.pid % 20_000))
  const urls = [`http://127.0.0.1:${told}`, `http://127.0.0.1:${asked}`] as const
  const never = new AbortController().signal
  const programs = await Promise.all([
    startServing(urls[0], { ...environment, PORT: String(told) }, never),
    startServing(urls[1], { ...environment, PORT: String(asked) }, never)
  ])
  try {
    const nearest = await nearestItems(location, [...loaded.set.items, ...drawn.coldItems])
    const times = await onboard(urls, drawn.coldItems, { nearest, timed: settings.timed })
    await writeSessions(pool, drawn.questions)
    const answers = await askAll(urls[1], drawn.questions.length)
    return [...recallFigures(measuring, answers, nearest), ...timeFigures(times)]
  } finally {
    for (const program of programs) await program.stop()
  }
}

/** The `count` items nearest to an item, itself not among them, by the cosine of metadata vectors. */
type Nearest = (key: string, count: number, among?: (key: string) => boolean) => string[]

async function nearestItems(location: string, items: readonly Item[]): Promise<Nearest> {
  const { parts } = await loadSharedModel(location, 1)
  const { width } = parts.config
  const encoder = await openItemEncoder(parts)
  const vectors = new Float32Array(items.length * width)
  for (let start = 0; start < items.length; start += 1000) {
    const part = items.slice(start, start + 1000).map(item => ({ item, hasKey: false }))
    vectors.set(await encoder.encode(part), start * width)
  }
  await encoder.close()
  for (let i = 0; i < items.length; i++) {
    const vector = vectors.subarray(i * width, (i + 1) * width)
    const length = Math.hypot(...vector) || 1
    for (let d = 0; d < width; d++) vector[d]! /= length
  }
  const places = new Map(items.map(({ key }, i) => [key, i]))
  const cosine = (a: number, b: number) => {
    let sum = 0
    for (let d = 0; d < width; d++) sum += vectors[a * width + d]! * vectors[b * width + d]!
    return sum
  }
  return (key, count, among = () => true) => {
    const place = places.get(key)!
    return items
      .map((item, i) => ({ key: item.key, near: cosine(place, i) }))
      .filter(({ key: other }) => other !== key && among(other))
      .sort((a, b) => b.near - a.near)
      .slice(0, count)
      .map(({ key: other }) => other)
  }
}

interface Times {
  readonly put: number[]
  /** From the PUT to the first answer of the other process with the item in it. */
  readonly first: number[]
  readonly missed: number
}

/** PUTs all items; of some it waits until the other process recommends them to a session of like items. */
async function onboard(
  [told, asked]: readonly [string, string],
  items: readonly Item[],
  { nearest, timed }: { readonly nearest: Nearest; readonly timed: number }
): Promise<Times> {
  const times = { put: [] as number[], first: [] as number[], missed: 0 }
  const cold = new Set(items.map(({ key }) => key))
  const title = 'onboarding'
  const progress = createProgress({ title, total: items.length, stream: process.stderr })
  for (const [i, { key, attributes }] of items.entries()) {
    const session = nearest(key, 3, other => !cold.has(other))
    const startedAt = performance.now()
    await request(`${told}/v1/items/${encodeURIComponent(key)}`, 'PUT', { attributes })
    times.put.push(performance.now() - startedAt)
    if (i < timed) {
      const isThere = async () => {
        const question = { items: session, n: 100 }
        const answer = await request(`${asked}/v1/recommendations`, 'POST', question)
        return (answer as Answer).items.some(({ item }) => item === key)
      }
      if (await untilTrue(isThere)) times.first.push(performance.now() - startedAt)
      else times.missed++
    }
    progress.update(i + 1)
  }
  progress.finish()
  return times
}

interface Answer {
  readonly items: readonly { readonly item: string; readonly source: string }[]
}

async function untilTrue(isThere: () => Promise<boolean>): Promise<boolean> {
  const until = performance.now() + patienceMs
  while (performance.now() < until) {
    if (await isThere()) return true
    await pause(5)
  }
  return false
}

async function request(url: string, method: string, body: unknown): Promise<unknown> {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(url, { method, headers, body: JSON.stringify(body) })
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`)
  return response.json()
}

async function writeSessions(pool: Pool, questions: readonly Question[]): Promise<void> {
  for (let start = 0; start < questions.length; start += 500) {
    const events = questions.slice(start, start + 500).flatMap(({ clicks }, i) =>
      clicks.map(({ itemKey, type, at }, n) => ({
        id: `q${start + i}-${n}`,
        type,
        sessionId: `q${start + i}`,
        itemKey,
        occurredAt: new Date(at),
        properties: {}
      }))
    )
    await withTransaction(pool, connection => appendEvents(connection, events))
  }
}

/** @returns for each question the keys of its answer, the best first. */
async function askAll(url: string, count: number): Promise<(Answer | undefined)[]> {
  const answers: (Answer | undefined)[] = []
  for (let start = 0; start < count; start += 1000) {
    const lines = Array.from({ length: Math.min(1000, count - start) }, (_, i) =>
      JSON.stringify({ session: `q${start + i}`, n: 10 })
    )
    const response = await fetch(`${url}/v1/recommendations/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines.join('\n')
    })
    const text = await response.text()
    for (const line of text.trim().split('\n')) {
      const answer = JSON.parse(line) as Answer
      if (!answer.items) throw new Error(`a question was not answered: ${line}`)
      answers.push(answer)
    }
  }
  return answers
}

function recallFigures(
  { drawn, loaded }: Measuring,
  answers: readonly (Answer | undefined)[],
  nearest: Nearest
): Figure[] {
  const { cold, questions, coldItems } = drawn
  const items = loaded.set.items.length + coldItems.length
  const isBeauty = loaded.name === 'amazon-beauty-2014'
  const recall = (wants: (target: string) => boolean, keysOf: (question: number) => string[]) => {
    const chosen = [...questions.keys()].filter(q => wants(questions[q]!.target))
    const hits = chosen.filter(q => keysOf(q).includes(questions[q]!.target)).length
    return { value: hits / chosen.length, count: chosen.length }
  }
  const served = (q: number) => answers[q]!.items.map(({ item }) => item)
  const near = (q: number) => nearest(questions[q]!.clicks.at(-1)!.itemKey, 10)
  const groups = [
    ['cold', (key: string) => cold.has(key)],
    ['known', (key: string) => !cold.has(key)]
  ] as const
  const figures = groups.flatMap(([name, wants]): Figure[] => {
    const { value, count } = recall(wants, served)
    const anchor = liger[name]
    return [
      { name: `${name} targets asked for`, value: count, unit: 'targets' },
      {
        name: `${name} targets, beside random items`,
        value,
        unit: 'Recall@10',
        reference: 10 / items
      },
      {
        name: `${name} targets, beside the nearest by metadata`,
        value,
        unit: 'Recall@10',
        reference: recall(wants, near).value
      },
      ...(isBeauty
        ? [
            {
              name: `${name} targets, beside LIGER`,
              value,
              unit: 'Recall@10',
              reference: anchor,
              wanted: { of: 'ratio', atLeast: 1 } as const
            }
          ]
        : [])
    ]
  })
  const shown = answers.flatMap(answer => answer!.items)
  const isCold = ({ item }: { item: string }) => cold.has(item)
  const share = shown.filter(isCold).length / shown.length
  return [
    { name: 'items onboarded', value: coldItems.length, unit: 'items' },
    ...figures,
    {
      name: 'cold items among the answers',
      value: share,
      unit: 'share',
      reference: coldItems.length / items
    }
  ]
}

function timeFigures({ put, first, missed }: Times): Figure[] {
  const at = (times: readonly number[], share: number) =>
    times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor(share * times.length))] ??
    Number.NaN
  const bounded = { of: 'value', atMost: wantedMs } as const
  return [
    { name: 'PUT, p50', value: at(put, 0.5), unit: 'ms' },
    { name: 'PUT, p95', value: at(put, 0.95), unit: 'ms' },
    {
      name: 'from PUT to the other process, p50',
      value: at(first, 0.5),
      unit: 'ms',
      wanted: bounded
    },
    {
      name: 'from PUT to the other process, p95',
      value: at(first, 0.95),
      unit: 'ms',
      wanted: bounded
    },
    {
      name: 'from PUT to the other process, max',
      value: at(first, 1),
      unit: 'ms',
      wanted: bounded
    },
    {
      name: 'of the timed items, not recommended to a session of like items',
      value: missed,
      unit: 'items'
    }
  ]
}
