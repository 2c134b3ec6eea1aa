import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { causalAttention, gelu, linear, noDropout, rmsNorm } from '#shared/model/layers.ts'
import { expectClose, normalTensor, numericGradient, useBackend } from '#test/support/tensorflow.ts'

beforeAll(() => useBackend('cpu'))

describe('linear', () => {
  test('multiplies the last axis and adds the bias', () => {
    const x = tf.tensor3d([1, 2, 3, 4], [2, 1, 2])
    const weight = tf.tensor2d([1, 0, 2, 0, 1, 3], [2, 3])

    const product = linear(x, weight, tf.tensor1d([10, 20, 30]))

    expect(product.shape).toEqual([2, 1, 3])
    expectClose(product, [11, 22, 38, 13, 24, 48])
  })
})

describe('rmsNorm', () => {
  test('divides by the root mean square and scales each column', () => {
    const x = tf.tensor2d([3, 4, 0, -2], [2, 2]) // rms: sqrt(12.5), sqrt(2)

    const normal = rmsNorm(x, tf.tensor1d([1, 10]))

    expectClose(normal, [0.848528, 11.313708, 0, -14.142132])
  })

  test('keeps a row of zeros at zero', () => {
    expectClose(rmsNorm(tf.zeros([1, 3]), tf.ones([3])), [0, 0, 0])
  })

  test('has the gradients that TF.js makes from plain operations', () => {
    const plain = (x: tf.Tensor, scale: tf.Tensor) =>
      tf.mul(tf.div(x, tf.sqrt(tf.add(tf.mean(tf.square(x), -1, true), 1e-6))), scale)
    const inputs = [normalTensor([2, 3, 4], 1), normalTensor([4], 2)]
    const upstream = normalTensor([2, 3, 4], 3)

    const ours = tf.grads((x, scale) => rmsNorm(x!, scale!))(inputs, upstream)

    const theirs = tf.grads((x, scale) => plain(x!, scale!))(inputs, upstream)
    ours.forEach((gradient, i) => {
      expectClose(gradient, theirs[i]!)
    })
  })

  test('has the gradient of numeric differences', () => {
    const scale = tf.tensor1d([1, -0.5, 2])
    const loss = (x: tf.Tensor) => tf.sum(tf.square(tf.add(rmsNorm(x, scale), 0.3))) as tf.Scalar
    const x = Float32Array.of(0.7, -1.1, 0.4)

    const gradient = tf.grad(loss)(tf.tensor1d(x))

    const numeric = numericGradient(values => loss(tf.tensor1d(values)).dataSync()[0]!, x)
    expectClose(gradient, numeric, 2e-3)
  })
})

describe('gelu', () => {
  test('is x times the sigmoid of 1.702 x', () => {
    // 1 / (1 + e^-1.702) = 0.845796; -2 / (1 + e^3.404) = -0.064341
    expectClose(gelu(tf.tensor1d([0, 1, -2])), [0, 0.845796, -0.064341])
  })

  test('has the gradient that TF.js makes from plain operations', () => {
    const plain = (x: tf.Tensor) => tf.mul(x, tf.sigmoid(tf.mul(x, 1.702)))
    const [x, upstream] = [normalTensor([3, 5], 4, 2), normalTensor([3, 5], 5)]

    const ours = tf.grad(gelu)(x, upstream)

    expectClose(ours, tf.grad(plain)(x, upstream))
  })

  test('has the gradient of numeric differences', () => {
    const x = Float32Array.of(-2, -0.5, 0, 0.5, 2)

    const gradient = tf.grad(gelu)(tf.tensor1d(x))

    const numeric = numericGradient(values => tf.sum(gelu(tf.tensor1d(values))).dataSync()[0]!, x)
    expectClose(gradient, numeric, 2e-3)
  })
})

describe('causalAttention', () => {
  /** Query, key and value are the input itself, and so is the output: only the attention is left. */
  const plainWeights = (distanceBias: tf.Tensor) => ({
    projection: tf.concat([tf.eye(2), tf.eye(2), tf.eye(2)], 1),
    output: tf.eye(2),
    distanceBias
  })

  test('weighs two positions as computed by hand', () => {
    const x = tf.tensor3d([1, 0, 0, 1], [1, 2, 2])
    const weights = plainWeights(tf.tensor2d([0, Math.log(2)], [2, 1])) // looking back one: + ln 2

    const attended = causalAttention(x, weights, noDropout)

    // Position 0 sees itself. Position 1: e^(0 + ln 2) = 2 for position 0 and e^(1 / sqrt 2) =
    // 2.028115 for itself, so the weights are 0.496510 and 0.503490.
    expectClose(attended, [1, 0, 0.49651, 0.50349])
  })

  test('lets each head have its own distances', () => {
    const x = tf.tensor3d([1, 1, 0, 0], [1, 2, 2])
    const weights = plainWeights(tf.tensor2d([0, 0, Math.log(3), Math.log(7)], [2, 2]))

    const attended = causalAttention(x, weights, noDropout)

    // The second position's query is zero: head 0 weighs 3 : 1, head 1 weighs 7 : 1.
    expectClose(attended, [1, 1, 0.75, 0.875])
  })

  test('treats what is farther back than any learned distance as the farthest', () => {
    const x = tf.tensor3d([8, 0, 0, 0, 0, 0], [1, 3, 2])
    const weights = plainWeights(tf.tensor2d([0, Math.log(3)], [2, 1]))

    const attended = causalAttention(x, weights, noDropout)

    expectClose(attended, [8, 0, 6, 0, 24 / 7, 0]) // the last weighs 3 : 3 : 1
  })

  test('drops from the attention weights', () => {
    const x = tf.tensor3d([1, 0, 0, 1], [1, 2, 2])
    const nothing = <T extends tf.Tensor>(values: T) => tf.zerosLike(values) as T

    const attended = causalAttention(x, plainWeights(tf.zeros([2, 1])), nothing)

    expectClose(attended, [0, 0, 0, 0])
  })
})
