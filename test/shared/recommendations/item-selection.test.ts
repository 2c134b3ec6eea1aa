import { expect, test } from 'vitest'
import {
  createFilters,
  createSelecting,
  type ItemSelection
} from '#shared/recommendations/item-selection.ts'

const keys = Array.from({ length: 70 }, (_, item) => `item ${item}`)
const select = createSelecting(new Map(keys.map((key, item) => [key, item])), keys.length)
const isIn = (item: number) => ({ key: `item ${item}`, isIn: true })

function itemsOf(selection: ItemSelection): number[] {
  const { passes } = createFilters()(selection)
  return [...keys.keys()].filter(passes)
}

test('a selection holds the items named, and keys that the release does not have change nothing', () => {
  const selection = select([isIn(0), isIn(31), isIn(32), isIn(69), isIn(99)])

  expect(itemsOf(selection)).toEqual([0, 31, 32, 69])
})

test('a selection made from another one differs in the items named, and leaves that one as it was', () => {
  const before = select([isIn(3), isIn(31)])
  const after = select([{ key: 'item 31', isIn: false }, isIn(64)], before)

  expect(itemsOf(after)).toEqual([3, 64])
  expect(itemsOf(before)).toEqual([3, 31])
  expect(after.id).not.toBe(before.id)
})

test('a filter is made once for a selection, and the last ones used are kept', () => {
  const filterOf = createFilters()
  const first = select([isIn(1)])
  const filter = filterOf(first)
  for (let n = 0; n < 31; n++) filterOf(select([]))

  expect(filterOf({ ...first })).toBe(filter)
  for (let n = 0; n < 32; n++) filterOf(select([]))
  expect(filterOf(first)).not.toBe(filter)
})
