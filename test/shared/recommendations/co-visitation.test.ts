import { expect, test } from 'vitest'
import { fitCoVisitation } from '#shared/recommendations/co-visitation.ts'
import { type Neighbours, neighbourScores } from '#shared/recommendations/neighbours.ts'

const gapOfTwo = 2 ** -0.5
/** Similarities are small numbers, kept in single precision. */
const digits = 7
/** What a pair counts for against its direction. */
const back = 0.3

test('a pair counts by its gap, less against its direction, and less for rare items', () => {
  const fitted = fitOn([
    [0, 1, 2],
    [0, 1]
  ])

  // Items 0 and 1 were clicked twice, item 2 once; 100 is added to each.
  expect(similarity(fitted, 0, 1)).toBeCloseTo(2 / 102, digits)
  expect(similarity(fitted, 1, 0)).toBeCloseTo((2 * back) / 102, digits)
  expect(similarity(fitted, 1, 2)).toBeCloseTo(1 / Math.sqrt(102 * 101), digits)
  expect(similarity(fitted, 2, 1)).toBeCloseTo(back / Math.sqrt(102 * 101), digits)
  expect(similarity(fitted, 0, 2)).toBeCloseTo(gapOfTwo / Math.sqrt(102 * 101), digits)
  expect(similarity(fitted, 2, 0)).toBeCloseTo((gapOfTwo * back) / Math.sqrt(102 * 101), digits)
})

test('an item goes with itself where visitors came back to it, when all pairs are asked for', () => {
  const sessions = [[0, 1, 0, 0]]
  const selfGaps = gapOfTwo + 3 ** -0.5 + 1 // first and second, first and third, second and third

  expect(similarity(fitOn(sessions, 'all'), 0, 0)).toBeCloseTo(
    (selfGaps * (1 + back)) / 103,
    digits
  )
  expect(similarity(fitOn(sessions, 'distinct'), 0, 0)).toBe(0)
  expect(similarity(fitOn(sessions, 'distinct'), 0, 1)).toBeCloseTo(
    similarity(fitOn(sessions, 'all'), 0, 1),
    digits
  )
})

test('items more than twenty clicks apart do not go together', () => {
  const session = Array.from({ length: 23 }, (_, item) => item)

  const fitted = fitOn([session])

  expect(similarity(fitted, 0, 20)).toBeGreaterThan(0)
  expect(similarity(fitted, 0, 21)).toBe(0)
  expect(similarity(fitted, 21, 0)).toBe(0)
})

test('neighbours come by falling similarity, at most two hundred of them', () => {
  // Item 0 is followed by each other item once, by the lower ones sooner.
  const sessions = Array.from({ length: 300 }, (_, i) => [0, 1 + i])
  const fitted = fitOn([...sessions, [0, 7], [0, 7], [0, 9]], 'distinct', 301)

  const row = fitted.neighbours.slice(fitted.starts[0], fitted.starts[1])

  expect(row).toHaveLength(200)
  expect([...row.slice(0, 4)]).toEqual([7, 9, 1, 2])
})

test('without sessions nothing goes together', () => {
  const fitted = fitOn([])

  expect([...fitted.starts]).toEqual([0, 0, 0, 0, 0])
  expect(neighbourScores(fitted, Int32Array.of(0), 0.5).size).toBe(0)
})

function fitOn(
  sessions: readonly number[][],
  pairs: 'all' | 'distinct' = 'all',
  itemCount = Math.max(4, ...sessions.flatMap(items => items.map(item => item + 1)))
): Neighbours {
  return fitCoVisitation(
    sessions.map(items => Int32Array.from(items)),
    itemCount,
    pairs
  )
}

/** Zero when b is no neighbour of a. */
function similarity({ starts, neighbours, similarities }: Neighbours, a: number, b: number) {
  const place = neighbours.subarray(starts[a], starts[a + 1]).indexOf(b)
  return place < 0 ? 0 : similarities[starts[a]! + place]!
}
