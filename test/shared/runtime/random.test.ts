import { describe, expect, test } from 'vitest'
import { createRandom } from '#shared/runtime/random.ts'

test('the same seed gives the same numbers, another seed gives others', () => {
  const draw = (seed: number) => {
    const random = createRandom(seed)
    return Array.from({ length: 5 }, random.next)
  }

  expect(draw(7)).toEqual(draw(7))
  expect(draw(8)).not.toEqual(draw(7))
})

// Computed with a separate implementation of xoshiro128** 1.1 and splitmix32, in Python.
test('the numbers are those of xoshiro128**', () => {
  const random = createRandom(1)

  expect(Array.from({ length: 4 }, () => random.next() * 2 ** 32)).toEqual([
    393288148, 2174103013, 3814759091, 2092745082
  ])
})

test('next is uniform in [0, 1)', () => {
  const random = createRandom(3)
  const tenths = new Array(10).fill(0)

  for (let i = 0; i < 100_000; i++) tenths[Math.floor(random.next() * 10)]++

  // 10,000 expected, standard deviation 95: five of them
  expect(Math.min(...tenths)).toBeGreaterThan(9_525)
  expect(Math.max(...tenths)).toBeLessThan(10_475)
})

test('integer gives every number below the limit and none beyond', () => {
  const random = createRandom(4)

  const drawn = new Set(Array.from({ length: 1000 }, () => random.integer(6)))

  expect([...drawn].sort()).toEqual([0, 1, 2, 3, 4, 5])
})

test('normal has mean 0 and variance 1', () => {
  const random = createRandom(5)
  const values = Array.from({ length: 100_000 }, random.normal)

  const mean = values.reduce((sum, value) => sum + value) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length

  expect(Math.abs(mean)).toBeLessThan(0.016) // five standard errors
  expect(Math.abs(variance - 1)).toBeLessThan(0.023)
  expect(values.every(Number.isFinite)).toBe(true)
})

describe('shuffle', () => {
  test('keeps the values, changes the order, and gives the same array back', () => {
    const values = Array.from({ length: 50 }, (_, index) => index)

    const shuffled = createRandom(6).shuffle(values)

    expect(shuffled).toBe(values)
    expect(shuffled).not.toEqual(shuffled.toSorted((a, b) => a - b))
    expect(new Set(shuffled).size).toBe(50)
  })

  test('gives each order equally often', () => {
    const random = createRandom(7)
    const counts = new Map<string, number>()

    for (let i = 0; i < 6000; i++) {
      const order = random.shuffle(['a', 'b', 'c']).join('')
      counts.set(order, (counts.get(order) ?? 0) + 1)
    }

    // 1000 expected, standard deviation 29: five of them
    expect(counts.size).toBe(6)
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(145)
  })

  test('works on typed arrays', () => {
    const shuffled = createRandom(8).shuffle(Int32Array.of(1, 2, 3, 4, 5, 6, 7, 8))

    expect([...shuffled].sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })
})
