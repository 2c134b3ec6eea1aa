// New items by the product's own way: onboarded through PUT, recommended over HTTP; recall, and how soon.
//
// npm run bench -- cold-start --dataset PATH_OR_NAME [--draw 1] [--share 0.05] [--questions 2000]
//   [--timed 100] [--epochs N] [--recipe JSON]
//
// A random share of the items is cold, as in cold-items: training reads neither them nor their clicks. The
// release is served by two processes of the real program on a real Postgres. One is told of the cold items,
// by PUT and nothing else; the other one is asked. Questions are sessions whose events are in the log.
//
// What known items lose is told by the same questions, asked before the new items come and after.
// Beside the service, over the same items and questions: drawn at random, and the items whose metadata
// vectors (of the release's own encoder, without keys) are nearest to that of the newest click.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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
import { loadModel } from '#shared/recommendations/load-model.ts'
import { modelFiles } from '#shared/recommendations/model-files.ts'
import { takeSample } from '#shared/recommendations/sample.ts'
import { announceRelease } from '#shared/releases/registry.ts'
import { writeRelease } from '#shared/releases/release-folder.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { createRandom } from '#shared/runtime/random.ts'
import type { Click } from '#shared/sessions/session.ts'
import { manifestFacts } from '#test/support/small-release.ts'
import { drawCold, withoutClicksOn } from './cold-items.ts'
import { askAll, type Question } from './cold-start/ask.ts'
import { nearestItems } from './cold-start/nearest-items.ts'
import { onboard, timeFigures } from './cold-start/onboard.ts'
import { type Drawn, recallFigures } from './cold-start/recall-figures.ts'
import { type BenchSet, loadSet } from './quality/load-set.ts'
import type { SplitDataset } from './quality/read-dataset.ts'
import type { BenchOptions, Figure } from './report.ts'

const log = createLogger({ name: 'cold-start', level: 'warn' })
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
    await writeSessions(pool, drawn.questions)
    const { repeats: repeat } = loaded.set
    const asking = { url: urls[1], count: drawn.questions.length, repeat }
    const before = await askAll(asking)
    const times = await onboard(urls, drawn.coldItems, { nearest, timed: settings.timed })
    const after = await askAll(asking)
    return [...recallFigures(measuring, { before, after }, nearest), ...timeFigures(times)]
  } finally {
    for (const program of programs) await program.stop()
  }
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
