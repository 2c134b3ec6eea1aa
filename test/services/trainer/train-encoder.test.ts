import type { Worker } from 'node:worker_threads'
import * as tf from '@tensorflow/tfjs-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { drawBatches, windowsOf } from '#services/trainer/batches.ts'
import type { SettledRecipe } from '#services/trainer/config.ts'
import { denseQuality } from '#services/trainer/dense-quality.ts'
import { readsOf } from '#services/trainer/item-table.ts'
import { stepParts } from '#services/trainer/step-clock.ts'
import {
  createTrainer,
  type EncoderTask,
  type TrainedEncoder,
  trainEncoder,
  trainToTheEnd
} from '#services/trainer/train-encoder.ts'
import type { TrainingSet } from '#services/trainer/training-set.ts'
import { createSessionEncoder } from '#shared/inference/session-encoder.ts'
import { poolings } from '#shared/model/model.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { useBackend } from '#test/support/tensorflow.ts'
import {
  listeningReporter,
  tinyRecipe,
  tinySession,
  tinyTrainingSet
} from '#test/support/tiny-training.ts'

beforeAll(() => useBackend('cpu'))

/** Items 2 and 3 are followed by two different ones: the clicks before them decide which. */
const sessions = [
  [0, 3, 6, 9],
  [1, 4, 7, 10],
  [2, 5, 8, 11],
  [11, 0, 3, 7],
  [10, 2, 6]
]
const itemCount = 12

describe('trainEncoder', () => {
  test('learns a handful of sessions by heart', async () => {
    const set = tinyTrainingSet(sessions, itemCount)
    const report = listeningReporter()
    const recipe = {
      ...tinyRecipe,
      epochs: 40,
      learningRate: 0.05,
      clicksPerBatch: 100, // all of them
      dropout: 0,
      keyDropout: 0,
      categoryLossWeight: 0
    }

    const trained = await trainEncoder(set, { recipe, random: createRandom(1), report })

    expect(trained.validation).toEqual({ recallAt10: 1, ndcgAt10: 1, score: 3 })
    const losses = report.fields.map(({ loss }) => Number(loss))
    expect(losses[0]).toBeGreaterThan(Math.log(itemCount) - 0.5) // it starts by guessing
    expect(losses.at(-1)).toBeLessThan(0.19) // what knows the last click alone stays above 0.198
  })

  test('gives the same weights for the same seed, and others for another', async () => {
    const set = tinyTrainingSet(sessions, itemCount)

    const [first, again, other] = [
      await train(set, tinyRecipe, { seed: 1 }),
      await train(set, tinyRecipe, { seed: 1 }),
      await train(set, tinyRecipe, { seed: 2 })
    ]

    expect(again).toEqual(first)
    expect(other.vectors).not.toEqual(first.vectors)
  })

  test('leaves no tensor behind', async () => {
    const set = tinyTrainingSet(sessions, itemCount)
    const before = tf.memory()

    await train(set, tinyRecipe)

    expect(tf.memory().numTensors).toBe(before.numTensors)
    expect(tf.memory().numBytes).toBe(before.numBytes)
  })

  test('keeps the epoch that is best on validation', async () => {
    const set = tinyTrainingSet(sessions, itemCount)
    const contrary = { ...set, validation: sessions.map(items => tinySession(items.toReversed())) }

    const kept = await train(contrary, { ...tinyRecipe, epochs: 10 })

    const encoder = createSessionEncoder(kept.config, kept.weights, kept.vectors)
    expect(denseQuality(encoder, contrary)).toEqual(kept.validation)
    expect(kept.epoch).toBeLessThan(10) // what it learns is wrong here
  })

  test('learns from item keys alone where the catalogue has no attributes', async () => {
    const set = tinyTrainingSet(sessions, itemCount)
    const nothing = {
      rows: new Int32Array(0),
      weights: new Float32Array(0),
      starts: new Int32Array(1)
    }
    const recipe = { ...tinyRecipe, epochs: 15, learningRate: 0.05, dropout: 0 }

    const trained = await train({ ...set, columns: 0, metadata: nothing, categories: [] }, recipe)

    expect(trained.validation.ndcgAt10).toBeGreaterThan(0.6)
  })

  test('reports each step of every epoch', async () => {
    const report = listeningReporter()

    await train(tinyTrainingSet([[0, 1, 2]], 9), tinyRecipe, { report })

    expect(report.lines).toEqual(['training of 2', '1', '2', 'finished'])
  })

  test('stops with a reason when the loss is no longer a number', async () => {
    const report = listeningReporter()
    const recipe = { ...tinyRecipe, epochs: 8, learningRate: 1e30 }

    await expect(train(makeSet(), recipe, { report })).rejects.toMatchObject({
      code: 'TRAINING_DIVERGED',
      message: expect.stringMatching(
        /no longer a number in epoch \d, step \d.*lower the learning rate/
      )
    })
    expect(report.lines.at(-1)).toBe('finished')
  })

  test('stops when the loss explodes, after handing out the best epoch so far', async () => {
    const report = listeningReporter()
    const kept: TrainedEncoder[] = []
    const recipe = { ...tinyRecipe, epochs: 40, clicksPerBatch: 100, learningRate: 100 }

    const training = train(makeSet(), recipe, { report, keep: best => kept.push(best) })

    await expect(training).rejects.toMatchObject({
      code: 'TRAINING_DIVERGED',
      message: expect.stringMatching(/exploded to \d+\.\d in epoch \d+, step \d+: lower/)
    })
    expect(report.lines.at(-1)).toBe('finished')
    expect(kept.length).toBeGreaterThan(0)
    const { config, weights, vectors, validation, epoch } = kept.at(-1)!
    expect(epoch).toBe(kept.length)
    const encoder = createSessionEncoder(config, weights, vectors) // not what exploded
    expect(denseQuality(encoder, makeSet())).toEqual(validation)
  })

  test('hands out every epoch that is better than those before it', async () => {
    const kept: TrainedEncoder[] = []

    const trained = await train(makeSet(), { ...tinyRecipe, epochs: 8 }, { keep: best => kept.push(best) }) // biome-ignore format: one line

    expect(kept.at(-1)).toEqual(trained)
    const scores = kept.map(({ validation }) => validation.score)
    expect(scores).toEqual([...new Set(scores)].sort((a, b) => a - b))
    expect(kept[0]!.epoch).toBe(1)
  })

  test('learns by a sample of the catalogue as well, the same for the same seed', async () => {
    const recipe = {
      ...tinyRecipe,
      epochs: 40,
      learningRate: 0.05,
      dropout: 0,
      keyDropout: 0,
      fullSoftmaxItems: 11,
      negatives: 3
    }

    const [trained, again] = [await train(makeSet(), recipe), await train(makeSet(), recipe)]

    expect(trained.validation.ndcgAt10).toBeGreaterThan(0.9)
    expect(again).toEqual(trained)
  })

  test('learns how much the categories count where it is asked to', async () => {
    const learned = await train(makeSet(), { ...tinyRecipe, categoryLossWeight: 'learned' })

    const [logVariance] = learned.weights['category0.logVariance']!.values
    expect(logVariance).not.toBe(Math.fround(Math.log(10)))
    expect(logVariance).toBeCloseTo(Math.log(10), 0)
    expect((await train(makeSet(), tinyRecipe)).weights).not.toHaveProperty('category0.logVariance')
  })

  test.each(poolings)('trains with pooling by %s', async pooling => {
    const trained = await train(makeSet(), {
      ...tinyRecipe,
      pooling,
      epochs: 25,
      learningRate: 0.05
    })

    expect(trained.config.pooling).toBe(pooling)
    expect(trained.validation.ndcgAt10).toBeGreaterThan(0.6)
  })
})

describe('the thread that draws batches', () => {
  const failing = { ...tinyRecipe, epochs: 8, learningRate: 1e30 }
  const task = () => ({ random: createRandom(1), report: listeningReporter() })
  const workers: Worker[] = []
  const add = (worker: Worker) => workers.push(worker)
  beforeAll(() => void process.on('worker', add))
  afterEach(() => void workers.splice(0))
  afterAll(() => void process.off('worker', add))

  test.each([
    ['trainEncoder', trainEncoder],
    ['trainToTheEnd', trainToTheEnd]
  ])('ends with %s, also when that fails', async (_, trainBy) => {
    await trainBy(makeSet(), { ...task(), recipe: tinyRecipe })
    await expect(trainBy(makeSet(), { ...task(), recipe: failing })).rejects.toThrow('loss')

    expect(workers.map(({ threadId }) => threadId)).toEqual([-1, -1])
  })

  test('fails the training with it', async () => {
    const training = trainEncoder(makeSet(), {
      ...task(),
      recipe: { ...tinyRecipe, epochs: 10_000 },
      keep: () => void workers[0]!.terminate()
    })

    await expect(training).rejects.toMatchObject({
      code: 'WORKER_FAILED',
      message: 'the thread that draws batches ended'
    })
  })
})

describe('a trainer', () => {
  test('holds the same memory after every one of many steps', () => {
    const random = createRandom(1)
    const trainer = createTrainer(makeSet(), tinyRecipe, random)
    const windows = windowsOf(makeSet().training, tinyRecipe.maxLength)
    const used = new Set<string>()

    for (let step = 0; step < 40; step++) {
      for (const batch of drawBatches(windows, 6, random)) {
        trainer.step(batch, 0.01)
        const { numTensors, numBytes, numDataBuffers } = tf.memory()
        used.add(`${numTensors} tensors, ${numDataBuffers} buffers, ${numBytes} bytes`)
      }
    }

    expect([...used]).toHaveLength(1)
  })

  test('moves of the table only what the sampled items read', () => {
    const recipe = { ...tinyRecipe, fullSoftmaxItems: 5, negatives: 1 }
    const set = makeSet()
    const trainer = createTrainer(set, recipe, createRandom(1))
    const before = (trainer.weights.table!.values as Float32Array).slice()
    const [batch] = drawBatches(windowsOf([tinySession([0, 1])], 6), 32, createRandom(1))

    trainer.step(batch!, 0.01)

    const { values } = trainer.weights.table!
    const rows = new Set<number>()
    before.forEach((value, i) => {
      if (values[i] !== value) rows.add(Math.floor(i / recipe.rowWidth))
    })
    // Item 0 is read, 1 is its target, and at most one more was drawn.
    const readBy = (item: number) => readsOf(set, Int32Array.of(0, 1, item)).rows
    const explained = Array.from({ length: itemCount }, (_, item) => new Set(readBy(item)))
    expect(rows.size).toBeGreaterThan(0)
    expect(explained.some(known => [...rows].every(row => known.has(row)))).toBe(true)
  })

  test('tells where the time of its steps has gone', () => {
    const trainer = createTrainer(makeSet(), tinyRecipe, createRandom(1))
    const [batch] = drawBatches(windowsOf(makeSet().training, 6), 100, createRandom(1))

    trainer.step(batch!, 0.01)

    for (const part of stepParts) expect(trainer.clock.milliseconds[part], part).toBeGreaterThan(0)
  })
})

const makeSet = () => tinyTrainingSet(sessions, itemCount)

interface Circumstances extends Partial<Pick<EncoderTask, 'report' | 'keep'>> {
  readonly seed?: number
}

function train(set: TrainingSet, recipe: SettledRecipe, circumstances: Circumstances = {}) {
  const { seed = 1, ...others } = circumstances
  return trainEncoder(set, {
    recipe,
    random: createRandom(seed),
    report: listeningReporter(),
    ...others
  })
}
