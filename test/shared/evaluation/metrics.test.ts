import { expect, test } from 'vitest'
import { MetricsSum } from '#shared/evaluation/metrics.ts'

/** Items 0 to 24, so that item n stands at place n + 1. */
const list = Array.from({ length: 25 }, (_, item) => item)

test('a target counts by its place, and one that is missed counts as nothing', () => {
  const sum = new MetricsSum(50)

  sum.add(list, 0) // place 1
  sum.add(list, 2) // place 3
  sum.add(list, 14) // place 15
  sum.add(list, 40) // not listed

  expect(sum.average()).toEqual({
    targets: 4,
    recallAt10: 2 / 4,
    ndcgAt10: (1 + 1 / 2) / 4, // 1 / log2(1 + 1) and 1 / log2(1 + 3)
    recallAt20: 3 / 4,
    mrrAt20: (1 + 1 / 3 + 1 / 15) / 4,
    coverageAt10: 10 / 50
  })
})

test('the tenth place still counts among the first ten, the twentieth among the first twenty', () => {
  expect(metricsOf(9)).toMatchObject({ recallAt10: 1, ndcgAt10: 1 / Math.log2(11) })
  expect(metricsOf(10)).toMatchObject({ recallAt10: 0, ndcgAt10: 0, recallAt20: 1 })
  expect(metricsOf(19)).toMatchObject({ recallAt20: 1, mrrAt20: 1 / 20 })
  expect(metricsOf(20)).toMatchObject({ recallAt20: 0, mrrAt20: 0 })
})

test('coverage counts an item once, however many lists show it, and only among the first ten', () => {
  const sum = new MetricsSum(20)

  sum.add([1, 2, 3], 1)
  sum.add([3, 4], 9)
  sum.add(list, 0)

  expect(sum.average().coverageAt10).toBe(10 / 20)
})

test('an empty list misses its target', () => {
  const sum = new MetricsSum(20)

  sum.add([], 3)
  sum.add([3], 3)

  expect(sum.average()).toMatchObject({ targets: 2, recallAt10: 1 / 2, coverageAt10: 1 / 20 })
})

test('without a question everything is zero, not NaN', () => {
  expect(new MetricsSum(20).average()).toEqual({
    targets: 0,
    recallAt10: 0,
    ndcgAt10: 0,
    recallAt20: 0,
    mrrAt20: 0,
    coverageAt10: 0
  })
})

function metricsOf(target: number) {
  const sum = new MetricsSum(50)
  sum.add(list, target)
  return sum.average()
}
