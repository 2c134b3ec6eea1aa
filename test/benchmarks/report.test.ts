import { expect, test } from 'vitest'
import { judge, reportText } from './report.ts'

test('a figure is divided by its reference and held against what is wanted', () => {
  const wanted = { of: 'ratio', atLeast: 1.1 } as const
  const figure = { name: 'quality', value: 0.55, unit: 'Recall@10', reference: 0.5, wanted }

  expect(judge(figure)).toEqual({ ...figure, ratio: 0.55 / 0.5, holds: true })
  expect(judge({ ...figure, value: 0.54 }).holds).toBe(false)
})

test('a figure without a number to compare with does not hold a wanted ratio', () => {
  const wanted = { of: 'ratio', atMost: 2 } as const

  expect(judge({ name: 'delay', value: 3, unit: 'ms', wanted })).toMatchObject({
    reference: null,
    ratio: null,
    holds: false
  })
  expect(judge({ name: 'delay', value: Number.NaN, unit: 'ms', wanted }).holds).toBe(false)
})

test('a figure of which nothing is wanted neither holds nor fails', () => {
  expect(judge({ name: 'items', value: 217, unit: 'items' }).holds).toBeNull()
})

test('the table names the bench, its options and each figure', () => {
  const figures = [
    judge({ name: 'p99', value: 4.25, unit: 'ms', wanted: { of: 'value', atMost: 4 } })
  ]

  const text = reportText({ bench: 'serving', options: { items: '1000' }, seconds: 2, figures })

  expect(text).toContain('serving --items 1000: 2.0 s')
  expect(text).toMatch(/p99 +4\.250 +ms +≤ 4 +NO/)
})
