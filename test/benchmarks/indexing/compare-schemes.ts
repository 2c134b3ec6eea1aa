// Trains one encoder for each seed and every scheme's decoder and ranking on it, and measures them.
import { createHash } from 'node:crypto'
import { startTrainingBackend } from '#services/trainer/backend.ts'
import { recipe, type SettledRecipe, settleRecipe } from '#services/trainer/config.ts'
import { questionsOf } from '#services/trainer/dense-quality.ts'
import { terminalReporter } from '#services/trainer/terminal-reporter.ts'
import {
  type Reporter,
  type TrainedEncoder,
  trainEncoder
} from '#services/trainer/train-encoder.ts'
import { assignIds, finishModel } from '#services/trainer/train-model.ts'
import { buildTrainingSet, sampleOf, type TrainingSet } from '#services/trainer/training-set.ts'
import type { Question } from '#shared/evaluation/evaluate.ts'
import { beamSearch } from '#shared/inference/beam-search.ts'
import { bestFirstSearch } from '#shared/inference/best-first-search.ts'
import { type CodeScorer, countCalls } from '#shared/inference/code-scorer.ts'
import { decodeSession } from '#shared/inference/token-decoder.ts'
import type { AssignedIds } from '#shared/itemids/assign-item-ids.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { Exclusions } from '#shared/itemids/exclusions.ts'
import { lengthsOf } from '#shared/itemids/id-statistics.ts'
import { ItemFilter } from '#shared/itemids/item-filter.ts'
import type { ItemIds, Scheme } from '#shared/itemids/item-ids.ts'
import { createPlacer } from '#shared/itemids/place-item.ts'
import { type RankingModel, rank } from '#shared/recommendations/rank.ts'
import { type LoadedModel, loadModel } from '#shared/recommendations/release-model.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { createRandom } from '#shared/runtime/random.ts'
import {
  byFrequency,
  type FrequencyBucket,
  type PlaceMetrics,
  placeMetrics
} from '../quality/place-metrics.ts'
import { readSplitDataset, type SplitDataset } from '../quality/read-dataset.ts'
import { mean } from './summarise.ts'

export interface ComparisonTask {
  readonly folder: string
  readonly schemes: readonly Scheme[]
  readonly seeds: readonly number[]
  readonly epochs: number | undefined
  /** About so many test questions, evenly drawn; absent for all. */
  readonly mostQuestions: number | undefined
  /** Share of the items whose clicks are taken away for the cold measurement; 0 leaves it out. */
  readonly coldShare: number
}

export interface Comparison {
  readonly protocol: string
  readonly items: number
  readonly questions: number
  readonly backend: string
  readonly epochs: number
  readonly encoderSeconds: number
  readonly results: readonly SchemeResult[]
}

/** What a scheme did under one seed, or why it cannot index this catalogue. */
export type SchemeResult = { readonly scheme: Scheme; readonly seed: number } & (
  | { readonly run: SchemeRun }
  | { readonly impossible: string }
)

export interface Quality {
  readonly all: PlaceMetrics
  readonly byFrequency: Readonly<Record<FrequencyBucket, PlaceMetrics>>
}

export interface SchemeRun {
  /** The generator alone, beam 30, and what the service answers. */
  readonly generator: Quality
  readonly final: Quality
  /** Codes of an ID that are not filling, a mean. */
  readonly tokens: number
  readonly depth: number
  readonly vocabulary: number
  readonly duplicates: number
  readonly assignSeconds: number
  readonly trainSeconds: number
  readonly beamCalls: number
  readonly exactCalls: number
  readonly placeMicroseconds: number
  readonly cold?: ColdQuality
  /** An earlier scheme with the same cells. The decoder reads no code, so that its figures are these too. */
  readonly sameTreeAs?: Scheme
}

export interface ColdQuality {
  readonly items: number
  readonly targets: number
  /** Of the generator alone over the whole catalogue. */
  readonly recallAt10: number
  /** Share of targets that come first when cold items alone may be shown. */
  readonly firstOfCold: number
}

const [beamWidth, listLength] = [30, 20]
/** Requests whose exact search is counted: enough for a mean, few enough for slow schemes. */
const exactRequests = 200

const log = createLogger({ name: 'indexing', level: 'warn' })

export async function compareSchemes(task: ComparisonTask): Promise<Comparison> {
  const backend = await startTrainingBackend('auto', log)
  const report = terminalReporter(process.stderr)
  const dataset = await readSplitDataset(task.folder)
  const set = setOf(dataset, task)
  const settled = settledFor(set, task)
  process.stderr.write(`${task.folder}: ${dataset.protocol}, ${set.itemKeys.length} items\n`)
  const results: SchemeResult[] = []
  let encoderSeconds = 0
  for (const seed of task.seeds) {
    const startedAt = performance.now()
    const encoder = await trainEncoder(set, { recipe: settled, random: createRandom(seed), report })
    encoderSeconds += (performance.now() - startedAt) / 1000 / task.seeds.length
    const cold = task.coldShare > 0 ? await coldStart(dataset, task, seed, report) : undefined
    const { mostQuestions } = task
    const shared = { set, encoder, settled, seed, report, cold, mostQuestions, byCells: new Map() }
    for (const scheme of task.schemes) results.push(await measureScheme(scheme, shared))
  }
  return {
    protocol: dataset.protocol,
    items: set.itemKeys.length,
    questions: results.flatMap(r => ('run' in r ? [r.run.generator.all.targets] : []))[0] ?? 0,
    backend: String(backend),
    epochs: settled.epochs,
    encoderSeconds,
    results
  }
}

function setOf(dataset: SplitDataset, task: ComparisonTask): TrainingSet {
  return buildTrainingSet(dataset.items, dataset, openRecipe(task), dataset.asked)
}

function openRecipe({ epochs }: ComparisonTask) {
  return { ...recipe, ...(epochs !== undefined && { epochs }) }
}

function settledFor(set: TrainingSet, task: ComparisonTask): SettledRecipe {
  return settleRecipe(openRecipe(task), { targets: set.targets, items: set.itemKeys.length })
}

interface ColdStart {
  readonly set: TrainingSet
  readonly encoder: TrainedEncoder
  readonly settled: SettledRecipe
  readonly coldItems: ReadonlySet<number>
}

/** The same data without the clicks that training and validation have on some items. */
async function coldStart(
  dataset: SplitDataset,
  task: ComparisonTask,
  seed: number,
  report: Reporter
): Promise<ColdStart> {
  const clicked = [...new Set(dataset.training.flatMap(({ clicks }) => clicks.map(c => c.itemKey)))]
  const random = createRandom(1000 + seed)
  const chosen = random.shuffle(clicked.sort()).slice(0, Math.ceil(clicked.length * task.coldShare))
  const coldKeys = new Set(chosen)
  const without = (part: SplitDataset['training']) =>
    part
      .map(session => ({
        ...session,
        clicks: session.clicks.filter(({ itemKey }) => !coldKeys.has(itemKey))
      }))
      .filter(({ clicks }) => clicks.length > 0)
  const set = setOf(
    { ...dataset, training: without(dataset.training), validation: without(dataset.validation) },
    task
  )
  const settled = settledFor(set, task)
  const encoder = await trainEncoder(set, { recipe: settled, random: createRandom(seed), report })
  const coldItems = new Set(set.itemKeys.flatMap((key, item) => (coldKeys.has(key) ? [item] : [])))
  return { set, encoder, settled, coldItems }
}

interface SchemeTask {
  readonly set: TrainingSet
  readonly encoder: TrainedEncoder
  readonly settled: SettledRecipe
  readonly seed: number
  readonly report: Reporter
  readonly cold: ColdStart | undefined
  readonly mostQuestions: number | undefined
  /** Runs so far, by the cells of their items. */
  readonly byCells: Map<string, { readonly scheme: Scheme; readonly run: SchemeRun }>
}

async function measureScheme(scheme: Scheme, task: SchemeTask): Promise<SchemeResult> {
  const { set, encoder, seed, report, byCells } = task
  const own = { recipe: { ...task.settled, scheme }, seed, report, log }
  process.stderr.write(`seed ${seed}: ${scheme}\n`)
  try {
    const [assigned, assignSeconds] = await timed(async () => assignIds(set, encoder, own))
    const facts = { ...idFacts(assigned.itemIds), assignSeconds }
    const cells = cellsOf(assigned.itemIds)
    const same = byCells.get(cells)
    if (same) return { scheme, seed, run: { ...same.run, ...facts, sameTreeAs: same.scheme } }
    const [trained, trainSeconds] = await timed(() =>
      finishModel(set, encoder, { ...own, assigned })
    )
    const run: SchemeRun = {
      ...facts,
      trainSeconds,
      ...qualityOf(loadModel(trained), set, task.mostQuestions),
      placeMicroseconds: placeMicroseconds(assigned, encoder, set),
      ...(task.cold && { cold: await coldQuality(task.cold, own) })
    }
    byCells.set(cells, { scheme, run })
    return { scheme, seed, run }
  } catch (error) {
    if (!(error instanceof RecommenderError)) throw error
    process.stderr.write(`${scheme} cannot index this catalogue: ${error.message}\n`)
    return { scheme, seed, impossible: error.message }
  }
}

function idFacts(itemIds: ItemIds) {
  const { codes, depth, levelSizes } = itemIds
  const ids = new Set<string>()
  for (let start = 0; start < codes.length; start += depth) {
    ids.add(codes.subarray(start, start + depth).join())
  }
  const count = codes.length / depth
  const lengths = [...lengthsOf(itemIds)]
  return {
    tokens: lengths.reduce((sum, [length, items]) => sum + length * items, 0) / count,
    depth,
    vocabulary: levelSizes.reduce((sum, size) => sum + size, 0),
    duplicates: count - ids.size
  }
}

/** What decides all but the numbers of codes: which items share which prefixes. */
function cellsOf({ codes, depth }: ItemIds): string {
  const paths = codes.map((code, at) => (at % depth === depth - 1 ? 0 : code))
  return `${depth} ${createHash('sha256').update(paths).digest('hex')}`
}

function qualityOf({ encoder, ranking }: LoadedModel, set: TrainingSet, most = Infinity) {
  const questions = sampleOf(questionsOf(encoder, set.test, set.asked), most)
  const hidden = ({ clicked }: Question) => (set.repeats ? [] : clicked)
  let beamCalls = 0
  const generated = placesOf(questions, question => {
    const scorer = countCalls(decodeSession(ranking.decoder, question.state))
    const items = generate(ranking, scorer, hidden(question))
    beamCalls += scorer.calls / questions.length
    return items
  })
  const final = placesOf(questions, question =>
    rank(ranking, { ...question, excluded: hidden(question), count: listLength }).map(
      ({ item }) => item
    )
  )
  const clicks = questions.map(({ target }) => set.clicks[target]!)
  const quality = (places: readonly number[]): Quality => ({
    all: placeMetrics(places),
    byFrequency: byFrequency(places, clicks)
  })
  return {
    generator: quality(generated),
    final: quality(final),
    beamCalls,
    exactCalls: exactCalls(ranking, questions, hidden)
  }
}

function generate(
  { decoder: { trie } }: RankingModel,
  scorer: CodeScorer,
  excluded: Iterable<number>,
  filter?: ItemFilter
): number[] {
  const exclusions = new Exclusions(trie, excluded, filter)
  return beamSearch({ trie, scorer, exclusions, width: beamWidth }).map(({ item }) => item)
}

/** Decoder calls of the exact ten best, a mean over some of the questions. */
function exactCalls(
  { decoder }: RankingModel,
  questions: readonly Question[],
  hidden: (question: Question) => Iterable<number>
): number {
  const step = Math.max(1, Math.floor(questions.length / exactRequests))
  const asked = questions.filter((_, i) => i % step === 0)
  const calls = asked.map(question => {
    const scorer = countCalls(decodeSession(decoder, question.state))
    const exclusions = new Exclusions(decoder.trie, hidden(question))
    bestFirstSearch({ trie: decoder.trie, scorer, exclusions, width: 10 })
    return scorer.calls
  })
  return mean(calls)
}

/** Items whose clicks the encoder never saw, under IDs that they were given by their metadata. */
async function coldQuality(
  { set, encoder, settled, coldItems }: ColdStart,
  own: Parameters<typeof assignIds>[2] & Omit<Parameters<typeof finishModel>[2], 'assigned'>
): Promise<ColdQuality> {
  const task = { ...own, recipe: { ...settled, scheme: own.recipe.scheme } }
  const assigned = assignIds(set, encoder, task)
  const { ranking, ...model } = loadModel(await finishModel(set, encoder, { ...task, assigned }))
  const questions = questionsOf(model.encoder, set.test, set.asked).filter(({ target }) =>
    coldItems.has(target)
  )
  const hidden = ({ clicked }: Question) => (set.repeats ? [] : clicked)
  const onlyCold = new ItemFilter(item => coldItems.has(item))
  const share = (most: number, filter?: ItemFilter) => {
    const places = placesOf(questions, question =>
      generate(ranking, decodeSession(ranking.decoder, question.state), hidden(question), filter)
    )
    return places.filter(place => place <= most).length / Math.max(1, questions.length)
  }
  return {
    items: coldItems.size,
    targets: questions.length,
    recallAt10: share(10),
    firstOfCold: share(1, onlyCold)
  }
}

/** Median over a thousand items that are described as known ones are. */
function placeMicroseconds(
  { itemIds, placing }: AssignedIds,
  { vectors, config }: TrainedEncoder,
  { items }: TrainingSet
): number {
  const placer = createPlacer(itemIds, placing)
  const trie = buildTrie(itemIds)
  const times = Array.from({ length: 1000 }, (_, n) => {
    const like = n % items.length
    const item = { ...items[like]!, key: `new ${n}` }
    const vector = vectors.subarray(like * config.width, (like + 1) * config.width)
    const startedAt = performance.now()
    placer.place({ item, vector, number: items.length + n }, trie)
    return 1000 * (performance.now() - startedAt)
  })
  return times.sort((a, b) => a - b)[times.length >> 1]!
}

/** Places of the targets, Infinity where one is not listed. */
function placesOf(
  questions: readonly Question[],
  recommend: (question: Question) => readonly number[]
): number[] {
  return questions.map(question => {
    const place = recommend(question).indexOf(question.target)
    return place < 0 || place >= listLength ? Number.POSITIVE_INFINITY : place + 1
  })
}

async function timed<T>(act: () => Promise<T>): Promise<[T, number]> {
  const startedAt = performance.now()
  const result = await act()
  return [result, (performance.now() - startedAt) / 1000]
}
