// Recommendation quality of every part of the model beside baselines, on a data set folder.
//
// npm run bench -- quality --dataset PATH_OR_NAME [--seeds 3] [--first-seed 1] [--shuffle-ties SEED]
//   [--no-sasrec] [--recipe '{"blocks":1}']
//
// Chosen on validation only, ranked against the whole catalogue, test read once. Figures are means
// over the seeds.
import { startTrainingBackend } from '#services/trainer/backend.ts'
import { terminalReporter } from '#services/trainer/terminal-reporter.ts'
import { trainModel } from '#services/trainer/train-model.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { baselinePlaces } from './quality/baselines.ts'
import { loadSet } from './quality/load-set.ts'
import { modelPlaces, sasrecPlaces } from './quality/model-places.ts'
import { byFrequency, placeMetrics } from './quality/place-metrics.ts'
import { type Places, promptsOf } from './quality/questions.ts'
import type { BenchOptions, Figure, Wanted } from './report.ts'

/** Final ranking, as the issue that set the goal names them. */
const wanted: Readonly<Record<string, Readonly<Record<string, Wanted>>>> = {
  'amazon-beauty-2014': {
    'nextrie Recall@10': { of: 'value', atLeast: 0.1072 },
    'nextrie NDCG@10': { of: 'value', atLeast: 0.0636 },
    'generator alone Recall@10': { of: 'value', atLeast: 0.0928 },
    'generator alone NDCG@10': { of: 'value', atLeast: 0.0531 }
  },
  'amazon-sports-2014': {
    'nextrie Recall@10': { of: 'value', atLeast: 0.0673 },
    'nextrie NDCG@10': { of: 'value', atLeast: 0.0383 }
  },
  diginetica: { 'nextrie Recall@20': { of: 'value', atLeast: 0.54 } }
}

export async function run(options: BenchOptions): Promise<readonly Figure[]> {
  const log = createLogger({ name: 'quality', level: 'warn' })
  const loaded = await loadSet(options)
  if (!loaded) return []
  await startTrainingBackend('auto', log)
  const { name, set, recipe } = loaded
  const report = terminalReporter(process.stderr)
  const first = Number(options['first-seed'] ?? 1)
  const bySeed: Places[] = []
  const pipeline: number[] = []
  const everyItem: number[] = []
  const seconds: number[] = []
  const requests: number[] = []
  const baselines = baselinePlaces(set)
  for (let seed = first; seed < first + Number(options.seeds ?? 3); seed++) {
    const startedAt = performance.now()
    const trained = await trainModel(set, { recipe, seed, report, log })
    seconds.push((performance.now() - startedAt) / 1000)
    process.stderr.write(`seed ${seed}: blend ${JSON.stringify(trained.blend)}\n`)
    const measured = modelPlaces(set, trained)
    pipeline.push(...measured.pipeline)
    everyItem.push(...measured.everyItem)
    requests.push(measured.millisecondsPerRequest)
    const places: Places = new Map([...baselines, ...measured.places])
    if (!options['no-sasrec']) {
      places.set('SASRec, full cross-entropy', await sasrecPlaces(set, recipe, { seed, report }))
    }
    bySeed.push(places)
  }
  return [
    ...methodFigures(
      name,
      bySeed,
      promptsOf(set.test, set.asked).map(({ target }) => set.clicks[target]!)
    ),
    {
      name: 'nextrie Recall@10 against ranking every item',
      value: placeMetrics(pipeline).recall[10],
      unit: 'Recall@10',
      reference: placeMetrics(everyItem).recall[10],
      wanted: { of: 'ratio', atLeast: 0.99 }
    },
    { name: 'training', value: mean(seconds), unit: 's' },
    { name: 'final ranking', value: mean(requests), unit: 'ms/request' }
  ]
}

/** @param clicks of each test target in training. */
function methodFigures(
  name: string,
  bySeed: readonly Places[],
  clicks: readonly number[]
): Figure[] {
  const goals = wanted[name] ?? {}
  const figures: Figure[] = []
  for (const method of bySeed[0]!.keys()) {
    const add = (metric: string, value: number) => {
      const title = `${method} ${metric}`
      const goal = goals[title]
      figures.push({ name: title, value, unit: metric, ...(goal && { wanted: goal }) })
    }
    const all = bySeed.map(places => placeMetrics(places.get(method)!))
    for (const k of [5, 10, 20] as const) {
      add(`Recall@${k}`, mean(all.map(({ recall }) => recall[k])))
      add(`NDCG@${k}`, mean(all.map(({ ndcg }) => ndcg[k])))
    }
    add('MRR@20', mean(all.map(({ mrrAt20 }) => mrrAt20)))
    add('Recall@10 deviation over seeds', deviation(all.map(({ recall }) => recall[10])))
    const buckets = bySeed.map(places => byFrequency(places.get(method)!, clicks))
    for (const [bucket, { targets }] of Object.entries(buckets[0]!)) {
      const key = bucket as keyof (typeof buckets)[number]
      const of = `of ${targets} targets with training clicks ${bucket}`
      add(`Recall@10 ${of}`, mean(buckets.map(seed => seed[key].recall[10])))
      add(`Recall@20 ${of}`, mean(buckets.map(seed => seed[key].recall[20])))
    }
  }
  return figures
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

function deviation(values: readonly number[]): number {
  const middle = mean(values)
  return Math.sqrt(mean(values.map(value => (value - middle) ** 2)))
}
