import * as tf from '@tensorflow/tfjs-core'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  bucketOf,
  columnsOf,
  embedBags,
  hashItems,
  keepRows,
  type Lookups,
  lookupTensors,
  reachedRows
} from '#shared/model/unified-embedding.ts'
import { expectClose, normalTensor, numericGradient, useBackend } from '#test/support/tensorflow.ts'

beforeAll(() => useBackend('cpu'))

const layout = [
  { name: 'colour', chunks: 1 },
  { name: 'words', chunks: 2 }
]

/** Look-ups of two segments: 2 x row 1 + 0.5 x row 0, nothing, and row 1. */
const byHand: Lookups = {
  rows: Int32Array.of(1, 0, 1),
  weights: Float32Array.of(2, 0.5, 1),
  segments: Int32Array.of(0, 0, 2),
  segmentCount: 3
}

describe('bucketOf', () => {
  // murmurHash(value, murmurHash(feature, chunk)) modulo the rows, from the Python package mmh3 5.3.1.
  test.each([
    ['colour', 0, 'red', 1000, 639],
    ['colour', 0, 'red', 131072, 49487],
    ['colour', 1, 'red', 131072, 46851],
    ['brand', 0, 'red', 131072, 22898],
    ['item key', 0, 'A13', 131072, 92526],
    ['item key', 1, 'A13', 131072, 19774]
  ])('of %s, chunk %i, value %s in %i rows is pinned', (feature, chunk, value, buckets, bucket) => {
    expect(bucketOf(feature, chunk, value, buckets)).toBe(bucket)
  })

  test('spreads values evenly, each chunk by itself', () => {
    const values = Array.from({ length: 20_000 }, (_, i) => `value ${i}`)
    const counts = new Int32Array(100)
    let collisions = 0

    for (const value of values) {
      const [first, second] = [0, 1].map(chunk => bucketOf('words', chunk, value, 100))
      counts[first!]!++
      if (first === second) collisions++
    }

    expect(Math.min(...counts)).toBeGreaterThan(140) // 200 expected, deviation 14
    expect(Math.max(...counts)).toBeLessThan(260)
    expect(collisions).toBeGreaterThan(140)
    expect(collisions).toBeLessThan(260)
  })
})

describe('hashItems', () => {
  test('makes a look-up for each chunk of each value, in the order of the layout', () => {
    const items = [
      [[{ value: 'red', weight: 1 }], []],
      [
        [],
        [
          { value: 'linen', weight: 0.6 },
          { value: 'shirt', weight: 0.8 }
        ]
      ]
    ]

    const lookups = hashItems(layout, items, 1000)

    expect(lookups).toEqual({
      rows: Int32Array.of(
        bucketOf('colour', 0, 'red', 1000),
        bucketOf('words', 0, 'linen', 1000),
        bucketOf('words', 0, 'shirt', 1000),
        bucketOf('words', 1, 'linen', 1000),
        bucketOf('words', 1, 'shirt', 1000)
      ),
      weights: Float32Array.of(1, 0.6, 0.8, 0.6, 0.8),
      segments: Int32Array.of(0, 4, 4, 5, 5), // item * 3 columns + column
      segmentCount: 6
    })
    expect(columnsOf(layout)).toBe(3)
  })

  test('gives an item that lacks a feature columns of zeros', () => {
    const lookups = hashItems(layout, [[[], []]], 1000)

    const embedded = embedBags(tf.ones([1000, 2]), lookupTensors(lookups))

    expect(embedded.shape).toEqual([3, 2])
    expectClose(embedded, [0, 0, 0, 0, 0, 0])
  })
})

describe('embedBags', () => {
  test('sums weighted rows by segment, as computed by hand', () => {
    const table = tf.tensor2d([1, 2, 3, 4], [2, 2])

    const embedded = embedBags(table, lookupTensors(byHand))

    expectClose(embedded, [6.5, 9, 0, 0, 3, 4])
  })

  test('has the gradient of the same sums as a product of matrices', () => {
    const table = normalTensor<tf.Tensor2D>([2, 3], 1)
    const upstream = normalTensor([3, 3], 2)
    const segmentsByRows = tf.tensor2d([0.5, 2, 0, 0, 0, 1], [3, 2])

    const ours = tf.grad(t => embedBags(t as tf.Tensor2D, lookupTensors(byHand)))(table, upstream)

    const theirs = tf.grad(t => tf.matMul(segmentsByRows, t as tf.Tensor2D))(table, upstream)
    expectClose(ours, theirs)
  })

  test('has the gradient of numeric differences, zero for a row that was not read', () => {
    const table = Float32Array.of(0.3, -1, 0.8)
    const loss = (t: tf.Tensor) =>
      tf.sum(tf.square(embedBags(t as tf.Tensor2D, lookupTensors(byHand))))

    const gradient = tf.grad(loss)(tf.tensor2d(table, [3, 1]))

    const numeric = numericGradient(t => loss(tf.tensor2d(t, [3, 1])).dataSync()[0]!, table)
    expectClose(gradient, numeric, 2e-3)
    expect(gradient.dataSync()[2]).toBe(0)
  })
})

describe('keepRows', () => {
  test('reads from the rows that are kept what the whole table would give', () => {
    const lookups = fc
      .array(fc.tuple(fc.nat(49), fc.float({ min: -2, max: 2, noNaN: true }), fc.nat(4)), {
        minLength: 1
      })
      .map(all => lookupsOf(all))

    fc.assert(
      fc.property(lookups, whole =>
        tf.tidy(() => {
          const table = normalTensor<tf.Tensor2D>([50, 2], 1)
          const reached = reachedRows(whole)

          const kept = keepRows(whole, reached)

          const rows = tf.gather(table, tf.tensor1d(reached, 'int32'))
          const fromKept = embedBags(rows as tf.Tensor2D, lookupTensors(kept))
          expectClose(fromKept, embedBags(table, lookupTensors(whole)))
        })
      ),
      { numRuns: 30 }
    )
  })

  test('reads a row that was never trained as zeros', () => {
    const kept = keepRows(byHand, Int32Array.of(0))

    const embedded = embedBags(tf.tensor2d([1, 2], [1, 2]), lookupTensors(kept))

    expectClose(embedded, [0.5, 1, 0, 0, 0, 0])
  })
})

test('the rows reached are those of all look-ups, each once, in order', () => {
  expect(reachedRows(byHand, { ...byHand, rows: Int32Array.of(7, 1, 3) })).toEqual(
    Int32Array.of(0, 1, 3, 7)
  )
})

function lookupsOf(all: [row: number, weight: number, segment: number][]): Lookups {
  return {
    rows: Int32Array.from(all, ([row]) => row),
    weights: Float32Array.from(all, ([, weight]) => weight),
    segments: Int32Array.from(all, ([, , segment]) => segment),
    segmentCount: 5
  }
}
