import { expect, test } from 'vitest'
import { learningRateAt } from '#services/trainer/learning-rate.ts'

test.each([
  [0, 0.001], // the first step already learns a little
  [0.05, 0.501],
  [0.1, 1],
  [0.55, 0.51], // half-way down: (1 + 0.02) / 2
  [1, 0.02]
])('at %d of the steps the rate is %d of its peak', (progress, share) => {
  expect(learningRateAt(progress, 0.004)).toBeCloseTo(0.004 * share, 10)
})

test('without warm-up it starts at the peak', () => {
  expect(learningRateAt(0, 1, 0)).toBe(1)
})

test('it only falls after the warm-up', () => {
  const rates = Array.from({ length: 91 }, (_, i) => learningRateAt(0.1 + i / 100, 1))

  expect(rates).toEqual(rates.toSorted((a, b) => b - a))
})
