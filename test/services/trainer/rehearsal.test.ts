import { expect, test } from 'vitest'
import { rehearsalQuestions } from '#services/trainer/rehearsal.ts'

const vectors = Float32Array.of(3, 4, 0, 1, 0, 0)
const sessions = [
  { clicked: Int32Array.of(1), state: Float32Array.of(0, 8), target: 0 },
  { clicked: Int32Array.of(1), state: Float32Array.of(12, 0), target: 0 }
]

test('an item is asked for by its own vector, as long as a session state is on average', () => {
  const asked = rehearsalQuestions(vectors, sessions, 3)

  expect(asked.map(({ target }) => target)).toEqual([0, 1, 2])
  expect(Array.from(asked[0]!.state)).toEqual([expect.closeTo(6, 5), expect.closeTo(8, 5)])
  expect(Array.from(asked[1]!.state)).toEqual([0, 10])
  expect(Array.from(asked[2]!.state)).toEqual([0, 0]) // nothing is known of this item
})

test('fewer items than there are come from the whole catalogue, none when none are wanted', () => {
  expect(rehearsalQuestions(vectors, sessions, 1).map(({ target }) => target)).toEqual([0])
  expect(rehearsalQuestions(vectors, sessions, 0)).toEqual([])
  expect(rehearsalQuestions(vectors, [], 3)).toEqual([])
})
