import { expect, test } from 'vitest'
import { listNeighbours, neighbourScores } from '#shared/recommendations/neighbours.ts'

/** 0 is near 1 and 2, 1 is near 2. */
const neighbours = listNeighbours([
  [
    { item: 1, similarity: 0.5 },
    { item: 2, similarity: 0.25 }
  ],
  [{ item: 2, similarity: 1 }],
  []
])

test('rows may be made one by one: none is kept', () => {
  let made = 0
  function* rows() {
    for (; made < 3000; made++) yield [{ item: made, similarity: 1 / (made + 1) }]
  }

  const listed = listNeighbours(rows())

  expect(made).toBe(3000)
  expect(listed.starts).toEqual(Int32Array.from({ length: 3001 }, (_, a) => a))
  expect(listed.neighbours).toEqual(Int32Array.from({ length: 3000 }, (_, a) => a))
  expect(listed.similarities).toEqual(Float32Array.from({ length: 3000 }, (_, a) => 1 / (a + 1)))
})

test('a score sums the similarities of the clicks, the older ones faded', () => {
  const scores = neighbourScores(neighbours, Int32Array.of(0, 1), 0.5)

  expect([...scores]).toEqual([
    [1, 0.25],
    [2, 1.125]
  ])
})

test('only the newest twenty clicks are scored', () => {
  const others = Array.from({ length: 20 }, () => 2)

  expect(neighbourScores(neighbours, Int32Array.from([0, ...others]), 0.9).size).toBe(0)
  expect(neighbourScores(neighbours, Int32Array.from([0, ...others.slice(1)]), 0.9).size).toBe(2)
})

test('without clicks, and for items that came later, nothing scores', () => {
  expect(neighbourScores(neighbours, new Int32Array(), 0.5).size).toBe(0)
  expect(neighbourScores(neighbours, Int32Array.of(3), 0.5).size).toBe(0)
})
