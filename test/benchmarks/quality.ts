// Recommendation quality of every part of the model beside baselines, on a data set folder.
//
// npm run bench -- quality --dataset PATH_OR_NAME [--seeds 3] [--first-seed 1] [--shuffle-ties SEED]
//   [--no-sasrec] [--learn-validation] [--recipe '{"blocks":1}']
//
// With --learn-validation the model is measured once more after it has learned from the validation part too,
// as LEARN_HELD_OUT=yes does: what papers compare that train on all that comes before the test.
//
// Chosen on validation only, ranked against the whole catalogue, test read once. Figures are means
// over the seeds. Where clicks of a user have the same time, the baselines are measured once more with
// these permuted, by each seed; with --shuffle-ties every method is, on one permutation. A row says so.
import { startTrainingBackend } from '#services/trainer/backend.ts'
import { learnHeldOut } from '#services/trainer/learn-held-out.ts'
import { terminalReporter } from '#services/trainer/terminal-reporter.ts'
import { trainModel } from '#services/trainer/train-model.ts'
import type { TrainingSet } from '#services/trainer/training-set.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { deviation, mean } from './indexing/summarise.ts'
import { baselinePlaces } from './quality/baselines.ts'
import { loadSet } from './quality/load-set.ts'
import { beamWidth, modelPlaces, sasrecPlaces } from './quality/model-places.ts'
import {
  byFrequency,
  frequencyBuckets,
  placeMetrics,
  wilsonInterval
} from './quality/place-metrics.ts'
import { promptsOf } from './quality/questions.ts'
import type { SplitDataset } from './quality/read-dataset.ts'
import type { BenchOptions, Figure, Wanted } from './report.ts'

const generator = `generator alone, beam of ${beamWidth}`
const validationLearned = ', validation learned'

/** Final ranking, as the issue that set the goal names them. */
const wanted: Readonly<Record<string, Readonly<Record<string, Wanted>>>> = {
  'amazon-beauty-2014': {
    'nextrie Recall@10': { of: 'value', atLeast: 0.1072 },
    'nextrie NDCG@10': { of: 'value', atLeast: 0.0636 },
    [`${generator} Recall@10`]: { of: 'value', atLeast: 0.0928 },
    [`${generator} NDCG@10`]: { of: 'value', atLeast: 0.0531 }
  },
  'amazon-sports-2014': {
    'nextrie Recall@10': { of: 'value', atLeast: 0.0673 },
    'nextrie NDCG@10': { of: 'value', atLeast: 0.0383 }
  },
  diginetica: {
    'nextrie Recall@20': { of: 'value', atLeast: 0.54 },
    [`nextrie${validationLearned} Recall@20`]: { of: 'value', atLeast: 0.54 }
  }
}

export async function run(options: BenchOptions): Promise<readonly Figure[]> {
  const log = createLogger({ name: 'quality', level: 'warn' })
  const loaded = await loadSet(options)
  if (!loaded) return []
  await startTrainingBackend('auto', log)
  const { name, set, recipe, dataset } = loaded
  const report = terminalReporter(process.stderr)
  const first = Number(options['first-seed'] ?? 1)
  const seeds = Array.from({ length: Number(options.seeds ?? 3) }, (_, i) => first + i)
  const isShuffled = options['shuffle-ties'] !== undefined && !!dataset.tiedClicks
  const label = isShuffled ? ties : ''
  const measured: Measured = { runs: new Map(), seconds: new Map() }
  const pipeline: number[] = []
  const everyItem: number[] = []
  const requests: number[] = []
  addBaselines(measured, set, label)
  for (const seed of !isShuffled && dataset.tiedClicks ? seeds : []) {
    const shuffled = await loadSet({ ...options, 'shuffle-ties': String(seed) })
    addBaselines(measured, shuffled!.set, ties)
  }
  const clicks = targetClicks(set)
  for (const seed of seeds) {
    const startedAt = performance.now()
    const trained = await trainModel(set, { recipe, seed, report, log })
    add(measured.seconds, `training${label}`, secondsSince(startedAt))
    process.stderr.write(`seed ${seed}: blend ${JSON.stringify(trained.blend)}\n`)
    const model = modelPlaces(set, trained)
    if (options['learn-validation']) {
      const before = { ...set, test: [] }
      const learned = await learnHeldOut(before, trained, { recipe, seed, report, log })
      for (const [method, places] of modelPlaces(set, learned).places) {
        add(measured.runs, `${method}${validationLearned}${label}`, { places, clicks })
      }
    }
    pipeline.push(...model.pipeline)
    everyItem.push(...model.everyItem)
    requests.push(model.millisecondsPerRequest)
    for (const [method, places] of model.places) {
      add(measured.runs, method + label, { places, clicks })
    }
    if (!options['no-sasrec']) {
      const method = `SASRec, full cross-entropy${label}`
      const sasrecAt = performance.now()
      const places = await sasrecPlaces(set, recipe, { seed, report })
      add(measured.runs, method, { places, clicks })
      add(measured.seconds, `${method}: training and answers`, secondsSince(sasrecAt))
    }
  }
  return [
    tiesFigure(dataset),
    ...methodFigures(wanted[name] ?? {}, measured.runs),
    {
      name: `nextrie${label} Recall@10 against ranking every item`,
      value: placeMetrics(pipeline).recall[10],
      unit: 'Recall@10',
      reference: placeMetrics(everyItem).recall[10],
      wanted: { of: 'ratio', atLeast: 0.99 }
    },
    ...[...measured.seconds].map(([what, each]) => ({ name: what, value: mean(each), unit: 's' })),
    { name: `final ranking${label}`, value: mean(requests), unit: 'ms/request' }
  ]
}

const ties = ', ties shuffled'

/** One measurement of a method, by a seed or of a permutation. */
export interface Run {
  readonly places: readonly number[]
  /** Of each place's target in training. */
  readonly clicks: readonly number[]
}

/** What was measured so far, by method, and how long each thing took. */
interface Measured {
  readonly runs: Map<string, Run[]>
  readonly seconds: Map<string, number[]>
}

function add<T>(to: Map<string, T[]>, name: string, value: T): void {
  to.set(name, [...(to.get(name) ?? []), value])
}

function addBaselines(to: Measured, set: TrainingSet, label: string): void {
  const clicks = targetClicks(set)
  for (const [name, { places, seconds }] of baselinePlaces(set)) {
    add(to.runs, name + label, { places, clicks })
    add(to.seconds, `${name}${label}: fit and answers`, seconds)
  }
}

function targetClicks(set: TrainingSet): number[] {
  return promptsOf(set.test, set.asked).map(({ target }) => set.clicks[target]!)
}

function secondsSince(startedAt: number): number {
  return (performance.now() - startedAt) / 1000
}

/** Whether there is anything to shuffle. */
export function tiesFigure({ tiedClicks }: Pick<SplitDataset, 'tiedClicks'>): Figure {
  const none = tiedClicks === undefined ? ': the set gives no times' : ': nothing to shuffle'
  const why = tiedClicks ? '' : none
  return { name: `clicks with the time of another${why}`, value: tiedClicks ?? 0, unit: 'clicks' }
}

/** Means over the runs of each method. */
export function methodFigures(
  goals: Readonly<Record<string, Wanted>>,
  byMethod: ReadonlyMap<string, readonly Run[]>
): Figure[] {
  const figures: Figure[] = []
  for (const [method, runs] of byMethod) {
    const addFigure = (metric: string, value: number) => {
      const title = `${method} ${metric}`
      const goal = goals[title]
      const unit = metric.split(' ')[0]!
      figures.push({ name: title, value, unit, ...(goal && { wanted: goal }) })
    }
    const all = runs.map(({ places }) => placeMetrics(places))
    for (const k of [5, 10, 20] as const) {
      addFigure(`Recall@${k}`, mean(all.map(({ recall }) => recall[k])))
      addFigure(`NDCG@${k}`, mean(all.map(({ ndcg }) => ndcg[k])))
    }
    addFigure('MRR@20', mean(all.map(({ mrrAt20 }) => mrrAt20)))
    if (runs.length > 1) {
      addFigure('Recall@10 deviation over seeds', deviation(all.map(({ recall }) => recall[10])))
    }
    addBuckets(addFigure, runs)
  }
  return figures
}

/** By frequency of the target in training; a bucket without targets says nothing. */
function addBuckets(
  addFigure: (metric: string, value: number) => void,
  runs: readonly Run[]
): void {
  const buckets = runs.map(({ places, clicks }) => byFrequency(places, clicks))
  for (const [bucket] of frequencyBuckets) {
    const each = buckets.map(run => run[bucket]).filter(({ targets }) => targets > 0)
    if (each.length === 0) continue
    const targets = Math.round(mean(each.map(one => one.targets)))
    const of = `of ${targets} targets with training clicks ${bucket}`
    const recall = mean(each.map(one => one.recall[10]))
    const [low, high] = wilsonInterval(recall, targets)
    addFigure(`Recall@10 ${of}`, recall)
    addFigure(`Recall@10 ${of}, 95 % from`, low)
    addFigure(`Recall@10 ${of}, 95 % to`, high)
    addFigure(`Recall@20 ${of}`, mean(each.map(one => one.recall[20])))
  }
}
