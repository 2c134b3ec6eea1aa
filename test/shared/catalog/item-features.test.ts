import { expect, test } from 'vitest'
import type { Feature } from '#shared/catalog/derive-features.ts'
import type { AttributeValue, Item } from '#shared/catalog/item.ts'
import { itemFeatures } from '#shared/catalog/item-features.ts'

const path: Feature = {
  kind: 'path',
  name: 'categories:2',
  attribute: 'categories',
  depth: 2,
  chunks: 1
}
const price: Feature = {
  kind: 'number',
  name: 'price',
  attribute: 'price',
  chunks: 1,
  boundaries: [10, 20]
}
const tags: Feature = { kind: 'label', name: 'tags', attribute: 'tags', chunks: 1 }
const title: Feature = {
  kind: 'text',
  name: 'title',
  attribute: 'title',
  chunks: 2,
  catalogSize: 8,
  documentCounts: { iron: 4, pot: 2 }
}

test('a path is read down to its depth, and a shorter one has no value', () => {
  expect(values(path, ['home', 'kitchen', 'pots'])).toEqual(values(path, ['home', 'kitchen']))
  expect(values(path, ['home', 'kitchen'])).not.toEqual(values(path, ['garden', 'kitchen']))
  expect(values(path, ['home'])).toEqual([])
})

test.each([
  [9.99, '0'],
  [10, '1'],
  [19, '1'],
  [20, '2'],
  [1e9, '2'],
  ['on request', '0']
])('the number %s falls into bucket %s', (given, bucket) => {
  expect(values(price, given)).toEqual([{ value: bucket, weight: 1 }])
})

test('the labels of a list share a length of one, each counted once', () => {
  expect(values(tags, 'new')).toEqual([{ value: 'new', weight: 1 }])
  expect(values(tags, true)).toEqual([{ value: 'true', weight: 1 }])
  expect(values(tags, ['new', 'red', 'new'])).toEqual([
    { value: 'new', weight: expect.closeTo(Math.SQRT1_2, 12) },
    { value: 'red', weight: expect.closeTo(Math.SQRT1_2, 12) }
  ])
  expect(values(tags, [])).toEqual([])
})

test('a list may be longer than a call may have arguments', () => {
  const many = Array.from({ length: 200_000 }, (_, i) => `tag ${i}`)

  expect(values(tags, many)).toHaveLength(200_000)
})

test('a word weighs more the fewer items have it, and a text has length one', () => {
  // ln(1 + 8/4), ln(1 + 8/2) and, for a word never seen, ln(1 + 8/1)
  const [iron, pot, unknown] = [Math.log(3), Math.log(5), Math.log(9)]
  const length = Math.hypot(iron, pot, unknown)

  const read = values(title, 'Iron pot. IRON, zirconium!')

  expect(read.map(({ value }) => value)).toEqual(['iron', 'pot', 'zirconium'])
  const weights = read.map(({ weight }) => weight)
  expect(weights[0]).toBeCloseTo(iron / length, 12)
  expect(weights[1]).toBeCloseTo(pot / length, 12)
  expect(weights[2]).toBeCloseTo(unknown / length, 12)
  expect(Math.hypot(...weights)).toBeCloseTo(1, 12)
})

test('a text without words has no values', () => {
  expect(values(title, '—!')).toEqual([])
})

test('a word named like a property of every object weighs like any unknown word', () => {
  expect(values(title, 'constructor')).toEqual([{ value: 'constructor', weight: 1 }])
})

test('an item that lacks an attribute has no values for it, in its place', () => {
  const item = itemWith({ tags: 'new' })
  const constructorFeature: Feature = { ...tags, attribute: 'constructor' }

  const read = itemFeatures(item, [path, tags, price, title, constructorFeature])

  expect(read).toEqual([[], [{ value: 'new', weight: 1 }], [], [], []])
})

function values(feature: Feature, attribute: AttributeValue) {
  return itemFeatures(itemWith({ [feature.attribute]: attribute }), [feature])[0]!
}

function itemWith(attributes: Record<string, AttributeValue>): Item {
  return { key: 'A13', attributes, isVisible: true }
}
