import { expect, test } from 'vitest'
import { categoryClasses, categoryLevels } from '#shared/catalog/category-levels.ts'
import { pathPrefix } from '#shared/catalog/derive-features.ts'
import type { AttributeValue, Item } from '#shared/catalog/item.ts'

test('each depth with several categories is a level, and equal names in other branches differ', () => {
  const items = itemsIn(
    ['home', 'kitchen', 'small'],
    ['home', 'bath'],
    ['garden', 'bath', 'small'],
    undefined
  )

  const levels = categoryLevels(items)

  expect(levels.map(({ depth }) => depth)).toEqual([1, 2, 3])
  expect(levels.map(({ classes }) => classes.length)).toEqual([2, 3, 2])
  expect(levels[0]!.classes).toEqual(['garden', 'home'])
  expect(levels[1]!.classes).toEqual([
    pathPrefix(['garden', 'bath'], 2),
    pathPrefix(['home', 'bath'], 2),
    pathPrefix(['home', 'kitchen'], 2)
  ])
})

test('an item with a shorter path has no class', () => {
  const items = itemsIn(['home', 'kitchen'], ['home', 'bath'], ['home'], undefined)
  const [level] = categoryLevels(items)

  expect([...categoryClasses(items, level!)]).toEqual([1, 0, -1, -1])
})

test('a level with one class teaches nothing and is left out', () => {
  expect(categoryLevels(itemsIn(['shop', 'home'], ['shop', 'bath']))).toMatchObject([{ depth: 2 }])
  expect(categoryLevels(itemsIn(['shop'], ['shop']))).toEqual([])
})

test('a level with more than a thousand classes is left out', () => {
  const shelves = (count: number) =>
    itemsOf(Array.from({ length: count }, (_, i) => [`floor ${i % 2}`, `shelf ${i}`]))

  expect(categoryLevels(shelves(1000))).toHaveLength(2)
  expect(categoryLevels(shelves(1001))).toMatchObject([{ depth: 1 }])
})

test('a category that is no list is a path of one step', () => {
  const items = itemsIn('home', 'bath', 7)

  const [level] = categoryLevels(items)

  expect(level).toEqual({ depth: 1, classes: ['7', 'bath', 'home'] })
  expect([...categoryClasses(items, level!)]).toEqual([2, 1, 0])
})

test('a catalogue without categories, or without items, has no levels', () => {
  expect(categoryLevels(itemsIn(undefined, undefined))).toEqual([])
  expect(categoryLevels([])).toEqual([])
})

test('a path that never ends has no more levels than there are features of', () => {
  const endless = Array.from({ length: 40_000 }, (_, i) => `step ${i}`)

  const levels = categoryLevels(itemsOf([endless, endless.with(3, 'another'), ['step 0']]))

  expect(levels.map(({ depth }) => depth)).toEqual([4])
})

test('a catalogue may have more items than a call may have arguments', () => {
  const items = itemsOf(Array.from({ length: 200_000 }, (_, i) => [`floor ${i % 2}`]))

  expect(categoryLevels(items)).toMatchObject([{ depth: 1, classes: ['floor 0', 'floor 1'] }])
})

function itemsIn(...categories: readonly (AttributeValue | undefined)[]): Item[] {
  return itemsOf(categories)
}

/** An item in each category; undefined is an item without one. */
function itemsOf(categories: readonly (AttributeValue | undefined)[]): Item[] {
  return categories.map((value, i) => ({
    key: `item ${i}`,
    attributes: value === undefined ? {} : { categories: value },
    isVisible: true
  }))
}
