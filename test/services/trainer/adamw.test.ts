import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { createAdamW } from '#services/trainer/adamw.ts'
import { expectClose, useBackend } from '#test/support/tensorflow.ts'

beforeAll(() => useBackend('cpu'))

const config = { beta1: 0.9, beta2: 0.98, weightDecay: 0, clipNorm: 5 }

describe('AdamW', () => {
  test('makes the steps computed by hand', () => {
    const x = tf.variable(tf.tensor1d([1, 1]))
    const optimizer = createAdamW(config)

    optimizer.step({ x }, { x: tf.tensor1d([1, -2]) }, 0.1)

    expectClose(x, [0.9, 1.1]) // the first step is the sign of the gradient

    optimizer.step({ x }, { x: tf.tensor1d([3, 0]) }, 0.1)

    // Rate 0.1 sqrt(1 - 0.98^2) / (1 - 0.9^2) = 0.1047355.
    // Moments .39 and .1996: 0.9 - 0.1047355 * .39 / sqrt(.1996) = 0.8085722.
    // Moments -.18 and .0784: 1.1 + 0.1047355 * .18 / .28 = 1.1673300.
    expectClose(x, [0.808572, 1.16733])
  })

  test('scales gradients down to the norm of all of them together', () => {
    const [x, y] = [tf.variable(tf.tensor1d([0])), tf.variable(tf.tensor2d([[0]]))]
    const optimizer = createAdamW(config)
    const first = { x: tf.tensor1d([1]), y: tf.tensor2d([[1]]) }
    const large = { x: tf.tensor1d([30]), y: tf.tensor2d([[40]]) }

    const norms = [optimizer.step({ x, y }, first, 0.1), optimizer.step({ x, y }, large, 0.1)]

    expectClose(norms, [Math.SQRT2, 50])
    // After clipping the gradients are 3 and 4: moments .39 and .1996, .49 and .3396.
    expectClose(x, [-0.1 - (0.1047355 * 0.39) / Math.sqrt(0.1996)])
    expectClose(y, [-0.1 - (0.1047355 * 0.49) / Math.sqrt(0.3396)])
  })

  test('decays matrices, apart from their gradient, and nothing else', () => {
    const matrix = tf.variable(tf.tensor2d([[2]]))
    const vector = tf.variable(tf.tensor1d([2]))
    const zeros = { matrix: tf.zeros([1, 1]), vector: tf.zeros([1]) }
    const optimizer = createAdamW({ ...config, weightDecay: 0.5 })

    optimizer.step({ matrix, vector }, zeros, 0.1)

    expectClose(matrix, [1.9]) // 2 * (1 - 0.1 * 0.5)
    expectClose(vector, [2])
  })

  test('leaves a variable without a gradient as it was', () => {
    const [x, other] = [tf.variable(tf.tensor1d([1])), tf.variable(tf.tensor2d([[7]]))]

    createAdamW({ ...config, weightDecay: 0.5 }).step({ x, other }, { x: tf.tensor1d([1]) }, 0.1)

    expectClose(other, [7])
  })

  test('finds the least value of a function', () => {
    const x = tf.variable(tf.tensor1d([4, -3]))
    const optimizer = createAdamW(config)
    const loss = () => tf.sum(tf.square(tf.sub(x, tf.tensor1d([1, 2])))) as tf.Scalar

    for (let step = 0; step < 300; step++) {
      const { grads } = tf.variableGrads(loss, [x])
      optimizer.step({ x }, { x: grads[x.name]! }, 0.1 * (1 - step / 300))
    }

    expectClose(x, [1, 2], 0.01)
  })

  test('keeps two moments for each variable and nothing more, until it is disposed', () => {
    const variables = { x: tf.variable(tf.ones([3])), y: tf.variable(tf.ones([2, 2])) }
    const gradients = { x: tf.ones([3]), y: tf.ones([2, 2]) }
    const before = tf.memory().numTensors
    const optimizer = createAdamW({ ...config, weightDecay: 0.1 })

    for (let step = 0; step < 3; step++) {
      optimizer.step(variables, gradients, 0.1)
      expect(tf.memory().numTensors).toBe(before + 4)
    }
    optimizer.dispose()

    expect(tf.memory().numTensors).toBe(before)
  })
})
