import { expect, test } from 'vitest'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { idStatistics, lengthsOf } from '#shared/itemids/id-statistics.ts'
import type { ItemIds } from '#shared/itemids/item-ids.ts'

const itemIds: ItemIds = {
  scheme: 'semantic',
  depth: 3,
  levelSizes: [4, 3, 3],
  codes: Int32Array.of(1, 2, 0, 1, 2, 1, 1, 2, 2, 1, 0, 0, 3, 0, 0, 0, 0, 0)
}

test('balance, unused codes and shared cells are counted', () => {
  const statistics = idStatistics(itemIds, buildTrie(itemIds))

  expect(statistics).toMatchObject({
    items: 6,
    sharingCell: 3,
    cells: 4,
    sharedCells: 1,
    largestCell: 3
  })
  expect(statistics.levels).toEqual([
    { codes: 4, usedCodes: 3, nodes: 3, imbalance: 2, mostChildren: 3 }, // 4 of 6 items below 1
    { codes: 3, usedCodes: 2, nodes: 4, imbalance: 2, mostChildren: 2 },
    { codes: 3, usedCodes: 3, nodes: 6, imbalance: 1, mostChildren: 3 }
  ])
})

test('what fills an ID up is not counted as its length', () => {
  expect(lengthsOf(itemIds)).toEqual(
    new Map([
      [1, 1],
      [2, 2],
      [3, 3]
    ])
  )
})

test('of two paths, one after the other, neither is counted with what fills it up', () => {
  const codes = Int32Array.of(1, 0, 2, 0, 5, 1, 3, 2, 1, 0)

  expect(lengthsOf({ ...itemIds, scheme: 'semantic+collaborative', depth: 5, codes })).toEqual(
    new Map([
      [3, 1],
      [5, 1]
    ])
  )
})

test('a zero is a code like others where all paths are equally long', () => {
  expect(lengthsOf({ ...itemIds, scheme: 'residual-kmeans' })).toEqual(new Map([[3, 6]]))
})
