import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { decoderStates, initialDecoder, levelScores } from '#shared/model/decoder.ts'
import { arraysOf } from '#shared/model/weights.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { expectClose, normalTensor, useBackend } from '#test/support/tensorflow.ts'

beforeAll(() => useBackend('cpu'))

describe('initialDecoder', () => {
  test('has a matrix for the session, the node and the output, and a row for each level', () => {
    const weights = initialDecoder(8, 3, createRandom(1))

    const shapes = Object.entries(weights).map(([name, { shape }]) => [name, shape])
    expect(Object.fromEntries(shapes)).toEqual({
      'decoder.session': [8, 8],
      'decoder.node': [8, 8],
      'decoder.level': [3, 8],
      'decoder.output': [8, 8]
    })
  })

  test('is the same for the same seed and another for another', () => {
    const drawn = (seed: number) => arraysOf(initialDecoder(4, 2, createRandom(seed)))

    expect(drawn(1)).toEqual(drawn(1))
    expect(drawn(1)['decoder.node']).not.toEqual(drawn(2)['decoder.node'])
  })
})

describe('decoderStates', () => {
  test('are the session states before any training', () => {
    const weights = initialDecoder(4, 3, createRandom(1))
    const [sessions, means] = [normalTensor<tf.Tensor2D>([5, 4], 1), normalTensor([5, 4], 2)]

    const states = decoderStates(weights, sessions, means as tf.Tensor2D, 1)

    expectClose(states, sessions, 0)
  })

  test('add a correction read from session, node and level, as computed by hand', () => {
    const weights = {
      'decoder.session': tf.tensor2d([1], [1, 1]),
      'decoder.node': tf.tensor2d([2], [1, 1]),
      'decoder.level': tf.tensor2d([100, 0.5], [2, 1]),
      'decoder.output': tf.tensor2d([3], [1, 1])
    }

    const states = decoderStates(weights, tf.tensor2d([[1]]), tf.tensor2d([[-0.25]]), 1)

    // 1 - 0.5 + 0.5 = 1; gelu(1) = 0.845796; 1 + 3 * 0.845796
    expectClose(states, [3.537387])
  })
})

describe('levelScores', () => {
  const states = () => tf.tensor2d([1, 2], [1, 2])
  const means = () => tf.tensor2d([3, 0, 0, -1], [2, 2])

  test('of leaves are products with the item vectors', () => {
    const scores = levelScores(states(), { logCounts: tf.zeros([2]), means: means() })

    expectClose(scores, [3, -2])
  })

  test('of inner nodes are log n + s . mean + 1/2 s Cov s, as computed by hand', () => {
    const covariance = {
      directions: [tf.tensor2d([2, 0, 0, 0], [2, 2]), tf.tensor2d([0, 0, 1, 1], [2, 2])],
      diagonal: tf.tensor2d([0, 0.5, 0, 1], [2, 2])
    }
    const logCounts = tf.tensor1d([0, Math.log(2)])

    const scores = levelScores(states(), { logCounts, means: means(), covariance })

    // Node 0: 0 + 3 + (2^2 + 0.5 * 2^2) / 2 = 6. Node 1: ln 2 - 2 + ((1 + 2)^2 + 2^2) / 2.
    expectClose(scores, [6, Math.log(2) + 4.5])
  })
})
