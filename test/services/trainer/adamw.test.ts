import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AdamWConfig, createAdamW, type Gradient } from '#services/trainer/adamw.ts'
import type { NamedArray } from '#shared/model/safetensors.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { expectClose } from '#test/support/tensorflow.ts'

const config: AdamWConfig = { beta1: 0.9, beta2: 0.98, weightDecay: 0, clipNorm: 5 }

describe('AdamW', () => {
  test('makes the steps computed by hand', () => {
    const x = vector(1, 1)
    const optimizer = createAdamW(config)

    optimizer.step({ x }, { x: dense(1, -2) }, 0.1)

    expectClose(x.values, [0.9, 1.1]) // the first step is the sign of the gradient

    optimizer.step({ x }, { x: dense(3, 0) }, 0.1)

    // Rate 0.1 sqrt(1 - 0.98^2) / (1 - 0.9^2) = 0.1047355.
    // Moments .39 and .1996: 0.9 - 0.1047355 * .39 / sqrt(.1996) = 0.8085722.
    // Moments -.18 and .0784: 1.1 + 0.1047355 * .18 / .28 = 1.1673300.
    expectClose(x.values, [0.808572, 1.16733])
  })

  test('scales gradients down to the norm of all of them together', () => {
    const [x, y] = [vector(0), matrix(1, 0)]
    const optimizer = createAdamW(config)

    const norms = [
      optimizer.step({ x, y }, { x: dense(1), y: dense(1) }, 0.1),
      optimizer.step({ x, y }, { x: dense(30), y: dense(40) }, 0.1)
    ]

    expectClose(norms, [Math.SQRT2, 50])
    // After clipping the gradients are 3 and 4: moments .39 and .1996, .49 and .3396.
    expectClose(x.values, [-0.1 - (0.1047355 * 0.39) / Math.sqrt(0.1996)])
    expectClose(y.values, [-0.1 - (0.1047355 * 0.49) / Math.sqrt(0.3396)])
  })

  test('decays matrices, apart from their gradient, and nothing else', () => {
    const weights = { matrix: matrix(1, 2), vector: vector(2) }
    const optimizer = createAdamW({ ...config, weightDecay: 0.5 })

    optimizer.step(weights, { matrix: dense(0), vector: dense(0) }, 0.1)

    expectClose(weights.matrix.values, [1.9]) // 2 * (1 - 0.1 * 0.5)
    expectClose(weights.vector.values, [2])
  })

  test('leaves a weight without a gradient as it was', () => {
    const weights = { x: vector(1), other: matrix(1, 7) }

    createAdamW({ ...config, weightDecay: 0.5 }).step(weights, { x: dense(1) }, 0.1)

    expect(weights.other.values).toEqual(Float32Array.of(7))
  })

  test('finds the least value of a function', () => {
    const x = vector(4, -3)
    const optimizer = createAdamW(config)
    const least = [1, 2]

    for (let step = 0; step < 300; step++) {
      const gradient = x.values.map((value, i) => 2 * (value - least[i]!)) as Float32Array
      optimizer.step({ x }, { x: { values: gradient } }, 0.1 * (1 - step / 300))
    }

    expectClose(x.values, least, 0.01)
  })
})

describe('a gradient of some rows', () => {
  test('moves these rows and nothing else, whatever the rest of its array holds', () => {
    const table = matrix(2, 1, 2, 3, 4, 5, 6)
    const optimizer = createAdamW({ ...config, weightDecay: 0.5 })
    const ofRow = (row: number, ...values: number[]): Gradient => ({
      values: Float32Array.from(values),
      rows: Int32Array.of(row)
    })

    const norms = [
      optimizer.step({ table }, { table: ofRow(1, 9, 9, 3, -4, 9, 9) }, 0.1),
      optimizer.step({ table }, { table: ofRow(2, 9, 9, 9, 9, 1, 0) }, 0.1)
    ]

    expect(norms).toEqual([5, 1]) // the nines are no part of it
    // Row 1 has made its first step, the sign of its gradient, after decaying by 1 - .1 * .5.
    // Row 2 makes its own at the rate of the second step, 0.1047355, from moments .1 and .02.
    expectClose(table.values, [1, 2, 2.75, 3.9, 4.75 - 0.10473548 * (0.1 / Math.sqrt(0.02)), 5.7])
  })

  test('of all rows is the same as a dense one', () => {
    const shape = fc.record({
      rows: fc.integer({ min: 1, max: 6 }),
      width: fc.integer({ min: 1, max: 4 }),
      seed: fc.nat(1000)
    })

    fc.assert(
      fc.property(shape, ({ rows, width, seed }) => {
        const random = createRandom(seed)
        const normals = () => Float32Array.from({ length: rows * width }, () => random.normal())
        const start = normals()
        const [lazy, whole] = [start.slice(), start.slice()]
        const all = random.shuffle(Int32Array.from({ length: rows }, (_, row) => row))
        const [lazily, wholly] = [1, 2].map(() => createAdamW({ ...config, weightDecay: 0.1 }))

        for (let step = 0; step < 4; step++) {
          const values = normals()
          const named = (own: Float32Array) => ({ x: { shape: [rows, width], values: own } })
          const norm = lazily!.step(named(lazy), { x: { values, rows: all } }, 0.1)
          expect(wholly!.step(named(whole), { x: { values } }, 0.1)).toBeCloseTo(norm, 4)
        }

        expectClose(lazy, whole, 1e-6)
        expect(lazy).not.toEqual(start)
      })
    )
  })

  test('has moments that stand still while the row is not read', () => {
    const [rested, steady] = [matrix(1, 0, 0), matrix(1, 0, 0)]
    const row = (index: number) => ({ values: Float32Array.of(1, 1), rows: Int32Array.of(index) })
    const optimizers = [createAdamW(config), createAdamW(config)]

    // Row 0 is read in the first and the last of four steps; in the other run, in the first two.
    for (const index of [0, 1, 1, 0]) optimizers[0]!.step({ x: rested }, { x: row(index) }, 1)
    for (const index of [0, 0]) optimizers[1]!.step({ x: steady }, { x: row(index) }, 1)

    const rate = (step: number) => Math.sqrt(1 - 0.98 ** step) / (1 - 0.9 ** step)
    const secondStep = 0.19 / Math.sqrt(0.0396) // moments .19 and .0396, read twice
    expectClose([steady.values[0]!], [-1 - rate(2) * secondStep])
    expectClose([rested.values[0]!], [-1 - rate(4) * secondStep])
  })
})

/** `npm run bench -- training-speed` does the same with 3.1 million rows, 100 million weights. */
test('a table of three million weights costs a step the rows that it reads', () => {
  const [rowCount, width] = [100_000, 32]
  const table = { shape: [rowCount, width], values: new Float32Array(rowCount * width).fill(1) }
  const gradient = new Float32Array(rowCount * width).fill(1)
  const optimizer = createAdamW({ ...config, weightDecay: 0.1 })
  const rows = Int32Array.of(0, 4711, rowCount - 1)

  for (let step = 0; step < 3; step++) {
    optimizer.step({ table }, { table: { values: gradient, rows } }, 0.1)
  }

  const moved = new Set<number>()
  table.values.forEach((value, i) => {
    if (value !== 1) moved.add(Math.floor(i / width))
  })
  expect([...moved]).toEqual([...rows])
})

function vector(...values: number[]): NamedArray & { values: Float32Array } {
  return { shape: [values.length], values: Float32Array.from(values) }
}

function matrix(width: number, ...values: number[]): NamedArray & { values: Float32Array } {
  return { shape: [values.length / width, width], values: Float32Array.from(values) }
}

function dense(...values: number[]): Gradient {
  return { values: Float32Array.from(values) }
}
