import * as tf from '@tensorflow/tfjs-core'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  addBagGradients,
  bucketOf,
  columnsOf,
  embedBags,
  hashItems,
  keepRows,
  type Lookups,
  lookupsOf,
  multiplexed,
  reachedRows
} from '#shared/model/unified-embedding.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { expectClose, normalTensor, numericGradient, useBackend } from '#test/support/tensorflow.ts'

beforeAll(() => useBackend('cpu'))

const layout = [
  { name: 'colour', chunks: 1 },
  { name: 'words', chunks: 2 }
]

/** Look-ups of three segments: 2 x row 1 + 0.5 x row 0, nothing, and row 1. */
const byHand: Lookups = {
  rows: Int32Array.of(1, 0, 1),
  weights: Float32Array.of(2, 0.5, 1),
  starts: Int32Array.of(0, 2, 2, 3)
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

    const lookups = hashItems(layout, items, multiplexed(1000))

    expect(lookups).toEqual({
      rows: Int32Array.of(
        bucketOf('colour', 0, 'red', 1000),
        bucketOf('words', 0, 'linen', 1000),
        bucketOf('words', 0, 'shirt', 1000),
        bucketOf('words', 1, 'linen', 1000),
        bucketOf('words', 1, 'shirt', 1000)
      ),
      weights: Float32Array.of(1, 0.6, 0.8, 0.6, 0.8),
      starts: Int32Array.of(0, 1, 1, 1, 1, 3, 5) // three columns of each item
    })
    expect(columnsOf(layout)).toBe(3)
  })

  test('looks values up where it is told to', () => {
    const asked: [feature: string, chunk: number, value: string][] = []
    const lookups = hashItems(layout, [[[], [{ value: 'linen', weight: 1 }]]], (...value) => {
      asked.push(value)
      return 40 + asked.length
    })

    expect(asked).toEqual([
      ['words', 0, 'linen'],
      ['words', 1, 'linen']
    ])
    expect(lookups.rows).toEqual(Int32Array.of(41, 42))
  })

  test('gives an item that lacks a feature columns of zeros', () => {
    const lookups = hashItems(layout, [[[], []]], multiplexed(1000))

    const embedded = embedBags(new Float32Array(2000).fill(1), 2, lookups)

    expect(embedded).toEqual(new Float32Array(3 * 2))
  })
})

describe('embedBags', () => {
  test('sums weighted rows by segment, as computed by hand', () => {
    const table = Float32Array.of(1, 2, 3, 4)

    const embedded = embedBags(table, 2, byHand)

    expectClose(embedded, [6.5, 9, 0, 0, 3, 4])
  })

  test('is the product with the matrix of the look-ups', () => {
    fc.assert(
      fc.property(manyLookups(), lookups =>
        tf.tidy(() => {
          const table = normalTensor<tf.Tensor2D>([50, 3], 1)

          const embedded = embedBags(table.dataSync() as Float32Array, 3, lookups)

          expectClose(embedded, tf.matMul(matrixOf(lookups, 50), table), 1e-4)
        })
      ),
      { numRuns: 50 }
    )
  })
})

describe('addBagGradients', () => {
  test('is the transposed product: what a row gives is what it gets', () => {
    const { table, gradients } = { table: normals(50 * 3, 1), gradients: normals(8 * 3, 2) }

    fc.assert(
      fc.property(manyLookups(), lookups => {
        const into = new Float32Array(50 * 3)
        addBagGradients(gradients, 3, lookups, into)

        const forward = inner(embedBags(table, 3, lookups), gradients)
        expect(inner(table, into)).toBeCloseTo(forward, 3)
      })
    )
  })

  test('has the gradient of numeric differences, zero for a row that was not read', () => {
    const table = Float32Array.of(0.3, -1, 0.8)
    const loss = (t: Float32Array) => inner(embedBags(t, 1, byHand), embedBags(t, 1, byHand))
    const into = new Float32Array(3)

    const upstream = embedBags(table, 1, byHand).map(sum => 2 * sum)
    addBagGradients(upstream, 1, byHand, into)

    expectClose(into, numericGradient(loss, table), 2e-3)
    expect(into[2]).toBe(0)
  })

  test('adds to what is there', () => {
    const into = Float32Array.of(10, 20)

    addBagGradients(Float32Array.of(1, 5, 3), 1, byHand, into)

    expectClose(into, [10 + 0.5 * 1, 20 + 2 * 1 + 1 * 3])
  })
})

describe('lookupsOf', () => {
  test('reads some items, in any order and more than once, as all of them were read', () => {
    const [table, columns] = [normals(50 * 2, 3), 2]
    const chosen = fc.array(fc.nat(3), { maxLength: 6 })

    fc.assert(
      fc.property(manyLookups(), chosen, (all, items) => {
        const some = lookupsOf(all, columns, Int32Array.from(items))

        const whole = embedBags(table, 2, all)
        const itemWidth = columns * 2
        const expected = items.flatMap(item =>
          Array.from(whole.subarray(item * itemWidth, (item + 1) * itemWidth))
        )
        expect(Array.from(embedBags(table, 2, some))).toEqual(expected)
        expect(some.starts.at(-1)).toBe(some.rows.length)
        expect(some.weights).toHaveLength(some.rows.length)
      })
    )
  })
})

describe('keepRows', () => {
  test('reads from the rows that are kept what the whole table would give', () => {
    const table = normals(50 * 2, 1)

    fc.assert(
      fc.property(manyLookups(), whole => {
        const reached = reachedRows(whole)

        const kept = keepRows(whole, reached)

        const own = new Float32Array(reached.length * 2)
        reached.forEach((row, place) => {
          own.set(table.subarray(row * 2, row * 2 + 2), place * 2)
        })
        expect(embedBags(own, 2, kept)).toEqual(embedBags(table, 2, whole))
      })
    )
  })

  test('reads a row that was never trained as zeros', () => {
    const kept = keepRows(byHand, Int32Array.of(0))

    const embedded = embedBags(Float32Array.of(1, 2), 2, kept)

    expectClose(embedded, [0.5, 1, 0, 0, 0, 0])
  })
})

test('the rows reached are those of all look-ups, each once, in order', () => {
  expect(reachedRows(byHand, { ...byHand, rows: Int32Array.of(7, 1, 3) })).toEqual(
    Int32Array.of(0, 1, 3, 7)
  )
})

/** Eight segments (four items of two columns), none or some look-ups each, into fifty rows. */
function manyLookups(): fc.Arbitrary<Lookups> {
  const lookup = fc.tuple(fc.nat(49), fc.float({ min: -2, max: 2, noNaN: true }))
  return fc
    .array(fc.array(lookup, { maxLength: 4 }), { minLength: 8, maxLength: 8 })
    .map(segments => {
      const all = segments.flat()
      const starts = [0]
      for (const segment of segments) starts.push(starts.at(-1)! + segment.length)
      return {
        rows: Int32Array.from(all, ([row]) => row),
        weights: Float32Array.from(all, ([, weight]) => weight),
        starts: Int32Array.from(starts)
      }
    })
}

/** [segments, rows]: the sum of weights with which a segment reads a row. */
function matrixOf({ rows, weights, starts }: Lookups, rowCount: number): tf.Tensor2D {
  const segments = starts.length - 1
  const matrix = new Float32Array(segments * rowCount)
  for (let s = 0; s < segments; s++) {
    for (let l = starts[s]!; l < starts[s + 1]!; l++) {
      matrix[s * rowCount + rows[l]!]! += weights[l]!
    }
  }
  return tf.tensor2d(matrix, [segments, rowCount])
}

function normals(length: number, seed: number): Float32Array {
  const random = createRandom(seed)
  return Float32Array.from({ length }, () => random.normal())
}

function inner(left: Float32Array, right: Float32Array): number {
  return left.reduce((sum, value, i) => sum + value * right[i]!, 0)
}
