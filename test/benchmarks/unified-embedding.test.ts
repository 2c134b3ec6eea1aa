import { expect, test } from 'vitest'
import { multiplexed } from '#shared/model/unified-embedding.ts'
import { perFeature, sharedRows, shareRows } from './unified-embedding.ts'

const columns = {
  layout: [
    { name: 'sale', chunks: 1 },
    { name: 'brand', chunks: 2 }
  ],
  keyLayout: { name: 'item key', chunks: 1 },
  distinct: new Map([
    ['sale', new Set(['yes', 'no'])],
    ['brand', numbered('brand', 20)],
    ['item key', numbered('item', 58)]
  ])
}

test.each([
  [8, [2, 2, 4]],
  [40, [2, 10, 28]],
  [80, [2, 20, 58]]
])('of %i rows a table has two at least, one for each value at most: %j', (total, rows) => {
  expect(shareRows([2, 20, 58], total)).toEqual(rows)
})

test('a budget below two rows for each table is refused', () => {
  expect(() => shareRows([10, 10, 10], 5)).toThrow(/--budgets: 5 rows .* take 6 to 30/)
})

test('each table has rows of its own, and two values with two rows are told apart', () => {
  const rowOf = perFeature(columns, 50)
  const rowsOf = (feature: string, chunk: number) =>
    Array.from(columns.distinct.get(feature)!, value => rowOf(feature, chunk, value))

  const tables = [rowsOf('sale', 0), rowsOf('brand', 0), rowsOf('brand', 1), rowsOf('item key', 0)]

  expect(new Set(tables[0]).size).toBe(2)
  expect(Math.max(...tables.flat())).toBeLessThan(50)
  tables.forEach((rows, t) => {
    const before = tables.slice(0, t).flat()
    expect(Math.min(...rows)).toBeGreaterThan(Math.max(-1, ...before))
  })
})

test('rows shared within a feature and between features are told apart', () => {
  const alone = sharedRows(columns, perFeature(columns, 50))
  const all = sharedRows(columns, multiplexed(50))
  /** Sale and brand meet in row 0; of the second chunk two brands share a row. */
  const planted = sharedRows(columns, (feature, chunk, value) => {
    if (feature === 'item key') return 100 + Number(value.slice('item'.length))
    if (chunk === 1) return 200 + Math.max(1, Number(value.slice('brand'.length)))
    return feature === 'sale' && value === 'yes' ? 1 : 0
  })

  expect(alone.map(({ between }) => between)).toEqual([0, 0, 0])
  expect(alone[2]!.within).toBeGreaterThan(0)
  expect(all.every(({ between }) => between > 0)).toBe(true)
  expect(planted).toEqual([
    { feature: 'sale', within: 0, between: 0.5 },
    { feature: 'brand', within: 22 / 40, between: 0.5 },
    { feature: 'item key', within: 0, between: 0 }
  ])
})

function numbered(name: string, count: number): Set<string> {
  return new Set(Array.from({ length: count }, (_, i) => `${name}${i}`))
}
