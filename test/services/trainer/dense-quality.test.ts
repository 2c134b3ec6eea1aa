import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { denseQuality, questionsOf } from '#services/trainer/dense-quality.ts'
import { createSessionEncoder, type SessionEncoder } from '#shared/inference/session-encoder.ts'
import { dot } from '#shared/inference/token-decoder.ts'
import { arraysOf } from '#shared/model/weights.ts'
import { expectClose, numbersOf, useBackend } from '#test/support/tensorflow.ts'
import { tinyConfig, tinyWeights } from '#test/support/tiny-model.ts'
import { tinySession, tinyTrainingSet } from '#test/support/tiny-training.ts'

beforeAll(() => useBackend('cpu'))

const itemCount = 30
const sessions = [
  [3, 14, 15, 9],
  [2, 6],
  [5, 5, 8, 9, 7, 9, 3, 2] // longer than the model reads
]

describe('questionsOf', () => {
  test('asks for each click after the first, from the clicks before it', () => {
    const encoder = encoderWith(normalVectors())

    const questions = questionsOf(
      encoder,
      [tinySession([3, 14, 15]), tinySession([4])],
      'every-click'
    )

    expect(questions.map(({ clicked, target }) => [Array.from(clicked), target])).toEqual([
      [[3], 14],
      [[3, 14], 15]
    ])
    expect(questions.every(({ state }) => state.length === tinyConfig.width)).toBe(true)
  })
})

describe('leave-one-out', () => {
  test('asks only for the last click of a session', () => {
    const encoder = encoderWith(normalVectors())

    const questions = questionsOf(encoder, [tinySession([3, 14, 15])], 'last-click')

    expect(questions.map(({ clicked, target }) => [Array.from(clicked), target])).toEqual([
      [[3, 14], 15]
    ])
  })
})

describe('denseQuality', () => {
  test.each([true, false])('ranks the whole catalogue, clicked items too: %s', repeats => {
    const encoder = encoderWith(normalVectors())
    const set = { ...tinyTrainingSet(sessions, itemCount), repeats }

    const quality = denseQuality(encoder, set)

    const vectors = encoder.itemVectors.dataSync() as Float32Array
    const gains = questionsOf(encoder, set.validation, set.asked).map(
      ({ state, clicked, target }) => {
        const scores = Array.from({ length: itemCount }, (_, item) =>
          dot(state, vectors, item * state.length)
        )
        const rivals = scores.filter(
          (score, item) => score > scores[target]! && (repeats || !clicked.includes(item))
        )
        return rivals.length < 10 ? { hit: 1, gain: 1 / Math.log2(2 + rivals.length) } : noGain
      }
    )
    const mean = (of: 'hit' | 'gain') => gains.reduce((sum, each) => sum + each[of], 0) / 11
    expect(gains).toHaveLength(11)
    expect(quality.recallAt10).toBeCloseTo(mean('hit'), 6)
    expect(quality.ndcgAt10).toBeCloseTo(mean('gain'), 6)
    expect(quality.score).toBeCloseTo(mean('hit') + 2 * mean('gain'), 6)
    expect(mean('hit')).toBeGreaterThan(0.1)
    expect(mean('hit')).toBeLessThan(0.9)
  })

  test('gives an item in the middle of its equals, not at their head', () => {
    const set = tinyTrainingSet(sessions, 9)

    const quality = denseQuality(encoderWith(tf.zeros([9, tinyConfig.width])), {
      ...set,
      validation: [tinySession([0, 1])]
    })

    // Nine items of one score: place 5.
    expect(quality).toEqual({
      recallAt10: 1,
      ndcgAt10: 1 / Math.log2(6),
      score: 1 + 2 / Math.log2(6)
    })
  })

  test('is nothing for weights that are no numbers', () => {
    const set = tinyTrainingSet([[0, 1, 2]], 9)

    const quality = denseQuality(encoderWith(tf.fill([9, tinyConfig.width], Number.NaN)), set)

    expect(quality).toEqual({ recallAt10: 0, ndcgAt10: 0, score: 0 })
  })

  test('leaves no tensor behind', () => {
    const encoder = encoderWith(normalVectors())
    const set = tinyTrainingSet(sessions, itemCount)
    const before = tf.memory().numTensors

    denseQuality(encoder, set)

    expect(tf.memory().numTensors).toBe(before)
  })
})

test('the item vectors of these tests are what they were given', () => {
  expectClose(encoderWith(tf.ones([9, 8])).itemVectors, numbersOf(tf.ones([9, 8])))
})

const noGain = { hit: 0, gain: 0 }

function normalVectors(): tf.Tensor {
  return tf.randomNormal([itemCount, tinyConfig.width], 0, 1, 'float32', 5)
}

function encoderWith(vectors: tf.Tensor): SessionEncoder {
  const values = vectors.dataSync() as Float32Array
  return createSessionEncoder(tinyConfig, arraysOf(tinyWeights(2)), values)
}
