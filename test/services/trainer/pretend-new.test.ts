import { expect, test } from 'vitest'
import { pretendNew } from '#services/trainer/pretend-new.ts'
import { listNeighbours } from '#shared/recommendations/neighbours.ts'
import type { RankingModel } from '#shared/recommendations/rank.ts'

const model = {
  vectors: Float32Array.of(1, 2, 3),
  byPopularity: Int32Array.of(0, 1, 2),
  newItems: new Set([0]),
  coVisitation: listNeighbours([
    [{ item: 1, similarity: 0.5 }],
    [{ item: 2, similarity: 0.5 }],
    [
      { item: 1, similarity: 0.25 },
      { item: 0, similarity: 0.125 }
    ]
  ])
} as unknown as RankingModel

test('of an item taken for a new one only the metadata is left', () => {
  const pretended = pretendNew(model, new Set([1]), Float32Array.of(-1, -2, -3))

  expect([...pretended.vectors]).toEqual([1, -2, 3])
  expect([...pretended.newItems]).toEqual([0, 1])
  expect(pretended.coVisitation).toEqual(listNeighbours([[], [], [{ item: 0, similarity: 0.125 }]]))
})

test('the model itself stays as it is', () => {
  pretendNew(model, new Set([1]), Float32Array.of(-1, -2, -3))

  expect([...model.vectors]).toEqual([1, 2, 3])
  expect(model.newItems.has(1)).toBe(false)
})
