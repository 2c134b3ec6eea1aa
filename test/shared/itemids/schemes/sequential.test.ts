import { describe, expect, test } from 'vitest'
import { assignItemIds } from '#shared/itemids/assign-item-ids.ts'
import type { Scheme } from '#shared/itemids/item-ids.ts'
import { randomPaths } from '#shared/itemids/schemes/random.ts'
import { sequentialPaths } from '#shared/itemids/schemes/sequential.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { smallInput, smallItems } from './small-catalogue.ts'

const sessions = [Int32Array.of(5, 3, 5), Int32Array.of(9, 1, 7), Int32Array.of(3, 8)]

test.each([
  ['sequential-time', [5, 3, 9, 1, 7, 8]],
  ['sequential-short-first', [3, 8, 5, 9, 1, 7]],
  ['sequential-long-first', [5, 3, 9, 1, 7, 8]]
] as const)('%s numbers items as they first occur in its order of sessions', (scheme, order) => {
  expect(numbered(scheme)).toEqual(order)
})

describe('sequential-random', () => {
  test('walks the sessions in an order of the seed', () => {
    const orders = new Set(
      Array.from({ length: 20 }, (_, seed) => numbered('sequential-random', seed).join())
    )

    expect(orders.size).toBeGreaterThan(1)
    expect(orders.size).toBeLessThanOrEqual(6) // three sessions
  })
})

test('without a click there is no order, and it says so', () => {
  const input = smallInput({ sessions: [] })

  expect(() => assignItemIds('sequential-time', input)).toThrow(
    expect.objectContaining({ code: 'LOG_TOO_SHORT', message: expect.stringContaining('events') })
  )
})

describe('a catalogue that three levels of 64 codes cannot hold', () => {
  const count = 64 ** 3 + 1
  const items = Array.from({ length: count }, (_, i) => ({ ...smallItems[0]!, key: `item ${i}` }))
  const input = smallInput({ items, sessions: [Int32Array.from(items.keys())] })

  test('has numbers of four digits, the last of which the cell numbers', () => {
    const { codes, sizes } = sequentialPaths('time')(input)

    expect(sizes).toEqual([22, 23, 23])
    for (const item of [0, 22, 23, 529, 12_167, count - 1]) {
      const [a, b, c] = codes.subarray(item * 3, (item + 1) * 3)
      expect((a! * 23 + b!) * 23 + c!).toBe(Math.floor(item / 23))
    }
  })

  test('has random cells on three levels', () => {
    const { codes, sizes } = randomPaths(input)

    expect(sizes).toEqual([23, 23, 23])
    for (const level of [0, 1, 2]) {
      expect(new Set(codes.filter((_, at) => at % 3 === level)).size).toBe(23)
    }
  })
})

/** Items with a number, in the order of their numbers. */
function numbered(scheme: Scheme, seed = 1): number[] {
  const input = smallInput({ sessions, random: createRandom(seed), settings: { branching: 3 } })
  const { codes, depth } = assignItemIds(scheme, input).itemIds
  const idOf = (item: number) =>
    codes.subarray(item * depth, (item + 1) * depth).reduce((id, code) => id * 3 + code, 0)
  const clicked = new Set(sessions.flatMap(session => Array.from(session)))
  const items = smallItems.flatMap((_, item) => (clicked.has(item) ? [item] : []))
  expect(items.map(idOf).sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5])
  return items.sort((a, b) => idOf(a) - idOf(b))
}
