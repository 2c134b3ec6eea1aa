import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { batchOf, windowsOf } from '#services/trainer/batches.ts'
import type { SettledRecipe } from '#services/trainer/config.ts'
import { denseQuality } from '#services/trainer/dense-quality.ts'
import { batchLoss, gradientsOf, trainEncoder } from '#services/trainer/train-encoder.ts'
import { createSessionEncoder } from '#shared/inference/session-encoder.ts'
import { noDropout } from '#shared/model/layers.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { expectClose, useBackend } from '#test/support/tensorflow.ts'
import { tinyConfig, tinyItemCount, tinyItems, tinyWeights } from '#test/support/tiny-model.ts'
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

    const trained = await trainEncoder(set, recipe, createRandom(1), report)

    expect(trained.validation).toEqual({ recallAt10: 1, ndcgAt10: 1, score: 3 })
    const losses = report.fields.map(({ loss }) => Number(loss))
    expect(losses[0]).toBeGreaterThan(Math.log(itemCount) - 0.5) // it starts by guessing
    expect(losses.at(-1)).toBeLessThan(0.19) // what knows the last click alone stays above 0.198
  })

  test('gives the same weights for the same seed, and others for another', async () => {
    const set = tinyTrainingSet(sessions, itemCount)

    const [first, again, other] = [
      await train(set, tinyRecipe, 1),
      await train(set, tinyRecipe, 1),
      await train(set, tinyRecipe, 2)
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
      segments: new Int32Array(0),
      segmentCount: 0
    }
    const recipe = { ...tinyRecipe, epochs: 15, learningRate: 0.05, dropout: 0 }

    const trained = await train({ ...set, columns: 0, metadata: nothing, categories: [] }, recipe)

    expect(trained.validation.ndcgAt10).toBeGreaterThan(0.6)
  })

  test('reports each step of every epoch', async () => {
    const reporter = listeningReporter()

    await trainEncoder(tinyTrainingSet([[0, 1, 2]], 9), tinyRecipe, createRandom(1), reporter)

    expect(reporter.lines).toEqual(['training of 2', '1', '2', 'finished'])
  })

  test('stops with a reason when the loss is no longer a number', async () => {
    const set = tinyTrainingSet(sessions, itemCount)
    const recipe = { ...tinyRecipe, epochs: 8, learningRate: 1e30 }

    await expect(train(set, recipe)).rejects.toMatchObject({
      code: 'TRAINING_DIVERGED',
      message: expect.stringMatching(/epoch \d, step \d.*lower the learning rate/)
    })
  })
})

test('the gradient of every weight is the slope of the loss along it', () => {
  const objective = tinyObjective()
  const variables = objective.weights
  const { loss, gradients } = gradientsOf(() => batchLoss(objective), variables)

  const slopes = Object.entries(gradients).map(([name, gradient]) => {
    const variable = variables[name]!
    const length = tf.norm(gradient).dataSync()[0]!
    const direction = tf.div(gradient, length)
    const start = variable.clone()
    const lossAt = (by: number) => {
      variable.assign(tf.add(start, tf.mul(direction, by)))
      return tf.tidy(() => batchLoss(objective).dataSync()[0]!)
    }
    const slope = (lossAt(0.02) - lossAt(-0.02)) / 0.04
    variable.assign(start)
    return { name, length, slope }
  })

  expect(slopes.map(({ name }) => name).sort()).toEqual(Object.keys(variables).sort())
  for (const { name, length, slope } of slopes) {
    expect(length, name).toBeGreaterThan(1e-3)
    expect(Math.abs(slope - length), name).toBeLessThan(0.01 * length + 1e-4)
  }
  expect(loss).toBeCloseTo(batchLoss(objective).dataSync()[0]!, 5)
})

test('a step of training leaves nothing behind but its gradients', () => {
  const objective = tinyObjective()
  const variables = objective.weights
  const before = tf.memory().numTensors

  const { gradients } = gradientsOf(() => batchLoss(objective), variables)

  expect(tf.memory().numTensors).toBe(before + Object.keys(variables).length)
  tf.dispose(Object.values(gradients))
})

test('the loss adds the weighted loss of each category level to that of the next item', () => {
  const objective = tinyObjective()
  const lossAt = (categoryLossWeight: number) =>
    batchLoss({ ...objective, recipe: { ...tinyRecipe, categoryLossWeight } }).dataSync()[0]!

  const [without, half, whole] = [lossAt(0), lossAt(0.5), lossAt(1)]

  expectClose([half! - without!], [(whole! - without!) / 2])
  expect(whole! - without!).toBeGreaterThan(0.1)
})

function train(set: ReturnType<typeof tinyTrainingSet>, recipe: SettledRecipe, seed = 1) {
  return trainEncoder(set, recipe, createRandom(seed), listeningReporter())
}

function tinyObjective() {
  const made = [[0, 1, 2, 3], [8, 7], [4, 4, 5, 6]].map(tinySession) // biome-ignore format: short
  const variables = Object.fromEntries(
    Object.entries(tinyWeights(1)).map(([name, tensor]) => [name, tf.variable(tensor)])
  )
  return {
    weights: variables,
    config: tinyConfig,
    items: tinyItems(),
    classes: [tf.tensor1d([0, 1, 2, -1, 0, 1, 2, -1, 0], 'int32')],
    batch: batchOf(windowsOf(made, tinyConfig.maxLength)),
    drop: noDropout,
    keyMask: tf.ones<tf.Rank.R2>([tinyItemCount, 1]),
    recipe: tinyRecipe
  }
}
