import { expect, test } from 'vitest'
import { chunkCounts } from '#shared/catalog/chunk-counts.ts'

const features = [
  { name: 'colour', distinct: 12 },
  { name: 'brand', distinct: 101 },
  { name: 'words', distinct: 5000 }
]

test('with room enough, what has more than a hundred values is looked up twice', () => {
  expect(chunkCounts(features, { rows: Number.POSITIVE_INFINITY })).toEqual([1, 2, 2])
  expect(chunkCounts([{ name: 'brand', distinct: 100 }], { rows: 1e6 })).toEqual([1])
})

test('where the table is short of rows, the features with the most values come first', () => {
  const all = 12 + 101 + 5000

  expect(chunkCounts(features, { rows: (all + 5000) / 4 })).toEqual([1, 1, 2])
  expect(chunkCounts(features, { rows: (all + 4999) / 4 })).toEqual([1, 2, 1])
  expect(chunkCounts(features, { rows: 1 })).toEqual([1, 1, 1])
})

test('what is given is kept, however little room there is', () => {
  const chunks = { colour: 3, words: 1 }

  expect(chunkCounts(features, { rows: 1, chunks })).toEqual([3, 1, 1])
  expect(chunkCounts(features, { rows: 1e6, chunks })).toEqual([3, 2, 1])
})

test('a feature named as a property of every object is given nothing', () => {
  expect(chunkCounts([{ name: 'constructor', distinct: 3 }], { rows: 10, chunks: {} })).toEqual([1])
})
