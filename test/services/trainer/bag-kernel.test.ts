import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createBagKernel } from '#services/trainer/bag-kernel.ts'
import { addBagGradients, embedBags, type Lookups } from '#shared/model/unified-embedding.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { expectClose } from '#test/support/tensorflow.ts'

const rowCount = 7

/** Rows and weights of each segment, which may be empty. */
const lookups = fc
  .array(
    fc.array(fc.tuple(fc.nat(rowCount - 1), fc.float({ min: -2, max: 2, noNaN: true })), {
      maxLength: 4
    }),
    {
      minLength: 1,
      maxLength: 9
    }
  )
  .map(lookupsOf)
const width = fc.constantFrom(4, 8, 32)

describe('the kernel', () => {
  test('sums rows as the plain loops do, whatever it was asked before', () => {
    fc.assert(
      fc.property(width, lookups, lookups, (E, first, second) => {
        const table = numbers(rowCount * E, 1)
        const kernel = createBagKernel(table, E)

        for (const asked of [first, second, first]) {
          expectClose(kernel.embed(asked), embedBags(table, E, asked), 1e-5)
        }
      })
    )
  })

  test('adds gradients up as the plain loops do, until they are cleared', () => {
    fc.assert(
      fc.property(width, lookups, lookups, (E, first, second) => {
        const kernel = createBagKernel(numbers(rowCount * E, 1), E)
        const plain = new Float32Array(rowCount * E)

        for (const asked of [first, second]) {
          const gradients = numbers((asked.starts.length - 1) * E, 2)
          kernel.addGradients(gradients, asked)
          addBagGradients(gradients, E, asked, plain)
        }

        expectClose(kernel.gradient, plain, 1e-4)
        kernel.clear(Int32Array.of(0, 3))
        expect(Array.from(kernel.gradient.subarray(3 * E, 4 * E))).toEqual(Array(E).fill(0))
        expectClose(kernel.gradient.subarray(4 * E), plain.subarray(4 * E), 1e-4)
      })
    )
  })

  test('reads the table as it is at that moment', () => {
    const kernel = createBagKernel(new Float32Array(8), 4)
    const second = lookupsOf([[[1, 2]]])

    kernel.table.set([1, 2, 3, 4], 4)

    expect(Array.from(kernel.embed(second))).toEqual([2, 4, 6, 8])
  })

  test('refuses rows that are not made of fours', () => {
    expect(() => createBagKernel(new Float32Array(6), 6)).toThrow(/row of 6 numbers/)
  })
})

function numbers(length: number, seed: number): Float32Array {
  return Float32Array.from({ length }, createRandom(seed).normal)
}

function lookupsOf(segments: readonly (readonly (readonly [number, number])[])[]): Lookups {
  const starts = [0]
  for (const segment of segments) starts.push(starts.at(-1)! + segment.length)
  return {
    rows: Int32Array.from(segments.flat(), ([row]) => row),
    weights: Float32Array.from(segments.flat(), ([, weight]) => weight),
    starts: Int32Array.from(starts)
  }
}
