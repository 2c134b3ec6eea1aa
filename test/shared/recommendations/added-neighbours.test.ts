import { expect, test } from 'vitest'
import {
  allocateAddedNeighbours,
  openAddedNeighbours
} from '#shared/recommendations/added-neighbours.ts'
import { listNeighbours, neighbourScores } from '#shared/recommendations/neighbours.ts'
import { createRandom } from '#shared/runtime/random.ts'

const [items, room] = [10, 5]

function told(neighbours: ReturnType<typeof openAddedNeighbours>, item: number) {
  const found: [number, number][] = []
  neighbours.forEach(item, (neighbour, similarity) => found.push([neighbour, similarity]))
  return found.sort(([a], [b]) => a - b)
}

test('added items are found from the known ones that they are like, and the other way round', () => {
  const shared = allocateAddedNeighbours(items, room)
  const [writer, reader] = [openAddedNeighbours(shared), openAddedNeighbours(shared)]

  writer.set(0, [
    { item: 3, similarity: 0.5 },
    { item: 7, similarity: 0.25 }
  ])
  writer.set(4, [{ item: 3, similarity: 0.75 }])

  expect(told(reader, 3)).toEqual([
    [10, 0.5],
    [14, 0.75]
  ])
  expect(told(reader, 10)).toEqual([
    [3, 0.5],
    [7, 0.25]
  ])
  expect(told(reader, 5)).toEqual([])
  expect(told(reader, 12)).toEqual([])
})

test('what was set last counts, however often items are described anew', () => {
  const random = createRandom(1)
  const neighbours = openAddedNeighbours(allocateAddedNeighbours(items, room))
  const expected = new Map<number, Map<number, number>>()

  for (let round = 0; round < 500; round++) {
    const place = random.integer(room)
    const like = new Map(
      Array.from({ length: random.integer(4) }, () => [
        random.integer(items),
        random.integer(9) / 8
      ])
    )
    neighbours.set(
      place,
      [...like].map(([item, similarity]) => ({ item, similarity }))
    )
    expected.set(place, like)
  }

  for (let item = 0; item < items; item++) {
    const like = [...expected].flatMap(([place, of]): [number, number][] =>
      of.has(item) ? [[items + place, of.get(item)!]] : []
    )
    expect(told(neighbours, item)).toEqual(like.sort(([a], [b]) => a - b))
  }
})

test('they are scored like the neighbours that training found', () => {
  const added = openAddedNeighbours(allocateAddedNeighbours(2, 1))
  added.set(0, [{ item: 1, similarity: 0.5 }])
  const neighbours = listNeighbours([[{ item: 1, similarity: 1 }], []])

  const scores = neighbourScores({ ...neighbours, added }, Int32Array.of(0, 1), 0.5)

  expect([...scores]).toEqual([
    [1, 0.5],
    [2, 0.5]
  ])
})
