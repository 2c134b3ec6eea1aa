import * as tf from '@tensorflow/tfjs-core'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { classCrossEntropy, itemCrossEntropy } from '#shared/model/losses.ts'
import { expectClose, normalTensor, numericGradient, useBackend } from '#test/support/tensorflow.ts'

beforeAll(() => useBackend('cpu'))

const integers = (values: number[]) => tf.tensor1d(values, 'int32')

describe('itemCrossEntropy', () => {
  test('is the mean of -log softmax, as computed by hand', () => {
    const states = tf.tensor2d([1, 0, 0, 2], [2, 2])
    const items = tf.tensor2d([1, 0, 0, 1, 0, 0], [3, 2])

    const loss = itemCrossEntropy(states, items, integers([0, 2]))

    // Logits 1, 0, 0 and 0, 2, 0: ln(e + 2) - 1 = 0.551445 and ln(e^2 + 2) - 0 = 2.239544.
    expect(loss.shape).toEqual([])
    expectClose(loss, [(0.551445 + 2.239544) / 2])
  })

  test('has the gradients that TF.js makes from plain operations', () => {
    const [states, items] = [normalTensor<tf.Tensor2D>([5, 3], 1), normalTensor([7, 3], 2)]
    const targets = integers([6, 0, 3, 3, 1])
    const plain = (h: tf.Tensor, v: tf.Tensor) => {
      const logSoftmax = tf.logSoftmax(tf.matMul(h as tf.Tensor2D, v as tf.Tensor2D, false, true))
      return tf.neg(tf.mean(tf.sum(tf.mul(tf.oneHot(targets, 7), logSoftmax), -1)))
    }

    const ours = tf.grads((h, v) => tf.mul(crossEntropy(h!, v!, targets), 3))([states, items])

    const theirs = tf.grads((h, v) => tf.mul(plain(h!, v!), 3))([states, items])
    ours.forEach((gradient, i) => {
      expectClose(gradient, theirs[i]!)
    })
  })

  test('has the gradient of numeric differences', () => {
    const states = Float32Array.of(0.5, -1, 1.5, 0.2)
    const items = normalTensor<tf.Tensor2D>([3, 2], 3)
    const loss = (h: tf.Tensor) => itemCrossEntropy(h as tf.Tensor2D, items, integers([2, 0]))

    const gradient = tf.grad(loss)(tf.tensor2d(states, [2, 2]))

    const numeric = numericGradient(h => loss(tf.tensor2d(h, [2, 2])).dataSync()[0]!, states)
    expectClose(gradient, numeric, 2e-3)
  })

  test('in chunks of any size is what it is in one', () => {
    const sizes = fc.record({
      positions: fc.integer({ min: 1, max: 9 }),
      items: fc.integer({ min: 1, max: 6 }),
      chunkLogits: fc.integer({ min: 1, max: 60 })
    })

    fc.assert(
      fc.property(sizes, ({ positions: T, items: I, chunkLogits }) =>
        tf.tidy(() => {
          const [states, items] = [normalTensor([T, 4], T), normalTensor([I, 4], I)]
          const targets = integers(Array.from({ length: T }, (_, t) => (t * 5) % I))
          const run = (limit?: number) =>
            tf.valueAndGrads((h, v) => crossEntropy(h!, v!, targets, limit))([states, items])
          const [chunked, whole] = [run(chunkLogits), run()]

          expectClose(chunked.value, whole.value)
          expectClose(chunked.grads[0]!, whole.grads[0]!)
          expectClose(chunked.grads[1]!, whole.grads[1]!)
        })
      ),
      { numRuns: 30 }
    )
  })

  test('stays a number when logits are large', () => {
    const states = tf.tensor2d([1000, -1000], [2, 1])

    const loss = itemCrossEntropy(states, tf.tensor2d([1, -1], [2, 1]), integers([0, 0]))

    expectClose(loss, [1000]) // right with certainty, then wrong by 2,000
  })

  test('leaves no tensor behind but the loss', () => {
    const [states, items] = [normalTensor<tf.Tensor2D>([5, 3], 1), normalTensor([7, 3], 2)]
    const targets = integers([6, 0, 3, 3, 1])
    const before = tf.memory().numTensors

    const loss = itemCrossEntropy(states, items as tf.Tensor2D, targets, 14)

    expect(tf.memory().numTensors).toBe(before + 1)
    loss.dispose()
  })
})

describe('classCrossEntropy', () => {
  test('averages over the positions whose class is known', () => {
    const logits = tf.tensor2d([0, 0, Math.log(3), 0, 50, -50], [3, 2])

    const loss = classCrossEntropy(logits, integers([0, 0, -1]))

    // -ln(1/2) = ln 2 and -ln(3/4) = 0.287682; the third position does not count.
    expectClose(loss, [(Math.LN2 + 0.287682) / 2])
  })

  test('gives no gradient to a position whose class is not known', () => {
    const logits = tf.tensor2d([1, 2, 3, 4], [2, 2])

    const gradient = tf.grad(x => classCrossEntropy(x as tf.Tensor2D, integers([-1, 1])))(logits)

    const share = 1 / (1 + Math.E) // softmax of the other class
    expectClose(gradient, [0, 0, share, -share])
  })

  test('is zero when no class is known', () => {
    expectClose(classCrossEntropy(tf.tensor2d([1, 2], [1, 2]), integers([-1])), [0])
  })
})

function crossEntropy(h: tf.Tensor, v: tf.Tensor, targets: tf.Tensor1D, limit?: number): tf.Scalar {
  return itemCrossEntropy(h as tf.Tensor2D, v as tf.Tensor2D, targets, limit)
}
