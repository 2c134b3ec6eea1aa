import * as tf from '@tensorflow/tfjs-core'
import fc from 'fast-check'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Candidates } from '#services/trainer/candidates.ts'
import { createDropout } from '#services/trainer/dropout.ts'
import { type Differentiated, gradientsOf } from '#services/trainer/gradients.ts'
import { isTensorflowAddonBuilt } from '#services/trainer/tensorflow-addon.ts'
import { decoderStates, initialDecoder, levelScores } from '#shared/model/decoder.ts'
import { takenFrom } from '#shared/model/weights.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { expectClose, normalTensor, numbersOf, useBackend } from '#test/support/tensorflow.ts'
import { tinyItemCount, tinyWeights } from '#test/support/tiny-model.ts'
import { tinyGradients, tinyObjective } from '#test/support/tiny-training.ts'

const others = isTensorflowAddonBuilt() ? ['wasm', 'tensorflow'] : ['wasm']

beforeAll(async () => {
  await useBackend('cpu')
  if (isTensorflowAddonBuilt()) await useBackend('native')
  await useBackend('wasm')
})

describe('on WebAssembly', () => {
  beforeEach(async () => {
    await tf.setBackend('wasm')
  })

  test('products of matrices, transposed or not, are those of three loops', () => {
    const shape = fc.record({
      batch: fc.constantFrom(undefined, 1, 3),
      rows: fc.integer({ min: 1, max: 6 }),
      inner: fc.integer({ min: 1, max: 6 }),
      columns: fc.integer({ min: 1, max: 6 }),
      transposeA: fc.boolean(),
      transposeB: fc.boolean()
    })

    fc.assert(
      fc.property(shape, ({ batch, rows, inner, columns, transposeA, transposeB }) =>
        withoutLeaks(() => {
          const outer = batch === undefined ? [] : [batch]
          const a = normalTensor([...outer, ...(transposeA ? [inner, rows] : [rows, inner])], 1)
          const b = normalTensor(
            [...outer, ...(transposeB ? [columns, inner] : [inner, columns])],
            2
          )

          const product = tf.matMul(a, b, transposeA, transposeB)

          expect(product.shape).toEqual([...outer, rows, columns])
          const [left, right] = [numbersOf(a), numbersOf(b)]
          const at = (i: number, row: number, k: number) =>
            left[i * rows * inner + (transposeA ? k * rows + row : row * inner + k)]!
          const bt = (i: number, k: number, column: number) =>
            right[i * inner * columns + (transposeB ? column * inner + k : k * columns + column)]!
          const expected: number[] = []
          for (let i = 0; i < (batch ?? 1); i++) {
            for (let row = 0; row < rows; row++) {
              for (let column = 0; column < columns; column++) {
                let sum = 0
                for (let k = 0; k < inner; k++) sum += at(i, row, k) * bt(i, k, column)
                expected.push(sum)
              }
            }
          }
          expectClose(product, expected)
        })
      ),
      { numRuns: 80 }
    )
  })

  test('rows are gathered in the order of indices of any shape', () => {
    withoutLeaks(() => {
      const matrix = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2])

      const rows = tf.gather(matrix, tf.tensor2d([2, 0, 2, 1], [2, 2], 'int32'))

      expect(rows.shape).toEqual([2, 2, 2])
      expectClose(rows, [5, 6, 1, 2, 5, 6, 3, 4])
    })
  })

  test('numbers, whole numbers and columns are gathered as well', () => {
    withoutLeaks(() => {
      const order = tf.tensor1d([1, 0, 1], 'int32')
      const matrix = tf.tensor2d([1, 2, 3, 4], [2, 2])

      expectClose(tf.gather(tf.tensor1d([0.5, 1.5]), order), [1.5, 0.5, 1.5])
      expectClose(tf.gather(tf.tensor1d([7, 8], 'int32'), order), [8, 7, 8])
      expectClose(tf.gather(matrix, order, 1), [2, 1, 2, 4, 3, 4])
    })
  })

  test('rows are summed by segment; those of a negative segment are dropped', () => {
    withoutLeaks(() => {
      const rows = tf.tensor2d([1, 2, 3, 4, 5, 6, 7, 8], [4, 2])

      const sums = tf.unsortedSegmentSum(rows, tf.tensor1d([2, 0, -1, 2], 'int32'), 4)

      expect(sums.shape).toEqual([4, 2])
      expectClose(sums, [3, 4, 0, 0, 8, 10, 0, 0])
    })
  })

  test('numbers are summed by segment as well', () => {
    withoutLeaks(() => {
      const sums = tf.unsortedSegmentSum(tf.tensor1d([1, 2, 4]), tf.tensor1d([1, 1, 0], 'int32'), 2)

      expectClose(sums, [4, 3])
    })
  })
})

describe.each(others)('one step of training on %s', backend => {
  test('has the loss and the gradients of plain JavaScript: item and session encoder', async () => {
    expectSameGradients(
      await gradientsOn(backend, () => encoderGradients()),
      await gradientsOn('cpu', () => encoderGradients())
    )
  })

  test('has the loss and the gradients of plain JavaScript: sampled softmax', async () => {
    expectSameGradients(
      await gradientsOn(backend, () => encoderGradients(sampled)),
      await gradientsOn('cpu', () => encoderGradients(sampled))
    )
  })

  test('has the loss and the gradients of plain JavaScript: decoder', async () => {
    expectSameGradients(
      await gradientsOn(backend, decoderGradients),
      await gradientsOn('cpu', decoderGradients)
    )
  })
})

async function gradientsOn(backend: string, step: () => Differentiated): Promise<Differentiated> {
  await tf.setBackend(backend)
  tf.engine().startScope()
  const made = step()
  tf.engine().endScope()
  return made
}

function expectSameGradients(actual: Differentiated, expected: Differentiated): void {
  expect(actual.loss).toBeCloseTo(expected.loss, 4)
  expect(Object.keys(actual.gradients).sort()).toEqual(Object.keys(expected.gradients).sort())
  for (const [name, gradient] of Object.entries(expected.gradients)) {
    expect(
      gradient.some(value => Math.abs(value) > 1e-3),
      name
    ).toBe(true)
    expectClose(actual.gradients[name]!, gradient, 1e-4)
  }
}

/** The trainer's own loss, dropout and hidden keys included; some items have no category. */
function encoderGradients(candidates?: Candidates): Differentiated {
  const objective = tinyObjective({
    drop: createDropout(0.2, createRandom(1)),
    keyMask: Float32Array.from({ length: tinyItemCount }, (_, i) => (i % 3 ? 1 : 0)),
    ...(candidates && { candidates })
  })
  return tinyGradients(takenFrom(tinyWeights(1)), objective)
}

/** One item is only read, and those that compete are there by chance. */
const sampled: Candidates = {
  items: Int32Array.of(1, 2, 3, 5, 6, 7, 8, 4, 0),
  count: 8,
  inclusion: Float32Array.of(0.9, 0.3, 0.5, 1, 0.2, 0.7, 0.1, 0.4),
  placeOf: item => [8, 0, 1, 2, 7, 3, 4, 5, 6][item]!
}

function decoderGradients(): Differentiated {
  const [T, K, D] = [7, 6, 4]
  const initial = { ...initialDecoder(D, 2, createRandom(1)), 'decoder.output': tf.eye(D) }
  const [sessions, means, nodes, first, second] = [T, T, K, K, K].map((rows, seed) =>
    normalTensor<tf.Tensor2D>([rows, D], seed + 1)
  ) as [tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.Tensor2D, tf.Tensor2D]
  const level = {
    logCounts: tf.tensor1d([0, 1, 2, 0, 1, 2]),
    means: nodes,
    covariance: { directions: [first, second], diagonal: tf.square(nodes) as tf.Tensor2D }
  }
  return gradientsOf(weights => {
    const scores = levelScores(decoderStates(weights, sessions, means, 1), level)
    return tf.neg(tf.mean(tf.slice(tf.logSoftmax(scores), [0, 0], [T, 1]))) as tf.Scalar
  }, takenFrom(initial))
}

/** Fails when the backend keeps memory that no tensor stands for. */
function withoutLeaks(act: () => void): void {
  const before = tf.backend().numDataIds()
  tf.tidy(act)
  expect(tf.backend().numDataIds()).toBe(before)
}
