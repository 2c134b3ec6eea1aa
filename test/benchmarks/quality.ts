// Recommendation quality of every part of the model beside baselines, on a data set folder.
//
// npm run bench -- quality --dataset PATH_OR_NAME [--seeds 3] [--epochs N] [--shuffle-ties] [--sasrec]
//
// Chosen on validation only, ranked against the whole catalogue, test read once. Names are looked up
// beside this checkout, in ../shared/data, which is not part of the product.
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { startTrainingBackend } from '#services/trainer/backend.ts'
import { recipe, settleRecipe } from '#services/trainer/config.ts'
import { densePlaces, questionsOf } from '#services/trainer/dense-quality.ts'
import { terminalReporter } from '#services/trainer/terminal-reporter.ts'
import { trainEncoder } from '#services/trainer/train-encoder.ts'
import { trainModel } from '#services/trainer/train-model.ts'
import { buildTrainingSet, type TrainingSet } from '#services/trainer/training-set.ts'
import type { Question } from '#shared/evaluation/evaluate.ts'
import { beamSearch } from '#shared/inference/beam-search.ts'
import { createSessionEncoder } from '#shared/inference/session-encoder.ts'
import { decodeSession } from '#shared/inference/token-decoder.ts'
import { Exclusions } from '#shared/itemids/exclusions.ts'
import { coVisitedScores, fitCoVisitation } from '#shared/recommendations/co-visitation.ts'
import { rank } from '#shared/recommendations/rank.ts'
import { byFallingClicks, loadModel } from '#shared/recommendations/release-model.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { byFrequency, placeMetrics } from './quality/place-metrics.ts'
import { readSplitDataset } from './quality/read-dataset.ts'
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

/** Places of the targets by method. */
type Places = Map<string, number[]>

export async function run(options: BenchOptions): Promise<readonly Figure[]> {
  const name = String(options.dataset ?? 'amazon-beauty-2014')
  const folder = [resolve(name), join('..', 'shared', 'data', name)].find(existsSync)
  if (!folder) {
    process.stderr.write(
      `SKIPPED: there is no data set ${name} here; give the path of its folder\n`
    )
    return []
  }
  const log = createLogger({ name: 'quality', level: 'warn' })
  await startTrainingBackend('auto', log)
  const dataset = await readSplitDataset(folder, options['shuffle-ties'] ? 1 : undefined)
  const open = { ...recipe, ...(options.epochs && { epochs: Number(options.epochs) }) }
  const set = buildTrainingSet(dataset.items, dataset, open, dataset.asked)
  const settled = settleRecipe(open, { targets: set.targets, items: set.itemKeys.length })
  const report = terminalReporter(process.stderr)
  process.stderr.write(`${name}: ${dataset.protocol}, ${set.itemKeys.length} items\n`)

  const bySeed: Places[] = []
  const targetClicks: number[] = []
  for (let seed = 1; seed <= Number(options.seeds ?? 3); seed++) {
    const trained = await trainModel(set, { recipe: settled, seed, report, log })
    const model = loadModel(trained)
    const questions = questionsOf(model.encoder, set.test, set.asked)
    const places: Places = seed === 1 ? baselinePlaces(set, questions) : new Map()
    if (options.sasrec)
      places.set('SASRec, full cross-entropy', await sasrecPlaces(set, settled, seed))
    places.set('dense head', densePlaces(model.encoder, questions, set.repeats))
    const { ranking } = model
    const hidden = ({ clicked }: Question) => (set.repeats ? [] : clicked)
    places.set(
      'generator alone',
      listPlaces(questions, question =>
        beamSearch({
          trie: ranking.decoder.trie,
          scorer: decodeSession(ranking.decoder, question.state),
          exclusions: new Exclusions(ranking.decoder.trie, hidden(question)),
          width: 30
        }).map(({ item }) => item)
      )
    )
    places.set(
      'nextrie',
      listPlaces(questions, question =>
        rank(ranking, { ...question, excluded: hidden(question), count: 20 }).map(
          ({ item }) => item
        )
      )
    )
    if (seed === 1) targetClicks.push(...questions.map(({ target }) => set.clicks[target]!))
    bySeed.push(places)
    process.stderr.write(`seed ${seed}: blend ${JSON.stringify(trained.blend)}\n`)
    tf.dispose([model.encoder.weights, model.encoder.itemVectors] as unknown as tf.TensorContainer)
  }
  return figuresOf(name, bySeed, targetClicks)
}

/** What needs no seed. Co-visitation is fitted on training, its decay chosen on validation data of Beauty. */
function baselinePlaces(set: TrainingSet, questions: readonly Question[]): Places {
  const itemCount = set.itemKeys.length
  const sessions = set.training.map(({ items }) => items)
  const byPopularity = Array.from(byFallingClicks(set.clicks))
  const coVisitation = fitCoVisitation(sessions, itemCount, 'all')
  const allowed = (items: readonly number[], { clicked }: Question) => {
    const seen = new Set(set.repeats ? [] : clicked)
    return items.filter(item => !seen.has(item))
  }
  return new Map([
    ['popularity', listPlaces(questions, question => allowed(byPopularity, question).slice(0, 20))],
    [
      'co-visitation, shrunk norm',
      listPlaces(questions, question => {
        const scores = [...coVisitedScores(coVisitation, question.clicked, 0.6)]
        const order = scores.sort(([a, x], [b, y]) => y - x || a - b).map(([item]) => item)
        return allowed(order, question).slice(0, 20)
      })
    ]
  ])
}

/** Our own encoder on item keys alone: SASRec (Kang and McAuley 2018) with full cross-entropy. */
async function sasrecPlaces(
  set: TrainingSet,
  settled: ReturnType<typeof settleRecipe>,
  seed: number
): Promise<number[]> {
  const none = {
    rows: new Int32Array(0),
    weights: new Float32Array(0),
    segments: new Int32Array(0)
  }
  const keysOnly = {
    ...set,
    metadata: { ...none, segmentCount: set.metadata.segmentCount },
    categories: []
  }
  const { config, weights, vectors } = await trainEncoder(
    keysOnly,
    { ...settled, keyDropout: 0 },
    createRandom(seed),
    terminalReporter(process.stderr)
  )
  const encoder = createSessionEncoder(config, weights, vectors)
  return densePlaces(encoder, questionsOf(encoder, set.test, set.asked), set.repeats)
}

function listPlaces(
  questions: readonly Question[],
  recommend: (question: Question) => readonly number[]
): number[] {
  return questions.map(question => {
    const place = recommend(question).indexOf(question.target)
    return place < 0 ? Number.POSITIVE_INFINITY : place + 1
  })
}

function figuresOf(
  name: string,
  bySeed: readonly Places[],
  targetClicks: readonly number[]
): Figure[] {
  const goals = wanted[name] ?? {}
  const figures: Figure[] = []
  for (const method of bySeed[0]!.keys()) {
    const seeds = bySeed.flatMap(places => places.get(method) ?? [])
    const all = placeMetrics(seeds)
    const add = (metric: string, value: number) => {
      const title = `${method} ${metric}`
      figures.push({
        name: title,
        value,
        unit: metric,
        ...(goals[title] && { wanted: goals[title] })
      })
    }
    for (const k of [5, 10, 20] as const) {
      add(`Recall@${k}`, all.recall[k])
      add(`NDCG@${k}`, all.ndcg[k])
    }
    add('MRR@20', all.mrrAt20)
    const runs = seeds.length / targetClicks.length
    const clicks = Array.from({ length: runs }, () => targetClicks).flat()
    for (const [bucket, metrics] of Object.entries(byFrequency(seeds, clicks))) {
      add(`Recall@10 of ${metrics.targets / runs} targets ${bucket}`, metrics.recall[10])
    }
  }
  return figures
}
