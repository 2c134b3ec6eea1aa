import fc from 'fast-check'
import { expect, test } from 'vitest'
import { deriveFeatures } from '#shared/catalog/derive-features.ts'
import type { AttributeValue, Item } from '#shared/catalog/item.ts'

test('categories become one feature for each step of the path, four at most', () => {
  const items = catalog('categories', [
    ['home', 'kitchen', 'pots', 'iron', 'black'],
    ['garden', 'tools', 'rakes', 'wood', 'long'],
    ['garden', 'tools']
  ])

  const features = deriveFeatures(items)

  expect(features).toEqual(
    [1, 2, 3, 4].map(depth => ({
      kind: 'path',
      name: `categories:${depth}`,
      attribute: 'categories',
      depth,
      chunks: 1
    }))
  )
})

test('a category that is no list is a path of one step', () => {
  const features = deriveFeatures(catalog('categories', ['home', 'garden']))

  expect(features).toMatchObject([{ kind: 'path', name: 'categories:1' }])
})

test('numbers are cut at their quantiles, equal ones at the same place', () => {
  const oneToThirtyTwo = Array.from({ length: 32 }, (_, i) => 32 - i)

  expect(deriveFeatures(catalog('price', oneToThirtyTwo))).toEqual([
    {
      kind: 'number',
      name: 'price',
      attribute: 'price',
      chunks: 1,
      boundaries: [3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31]
    }
  ])
  expect(deriveFeatures(catalog('price', [1, 1, 1, 9]))).toMatchObject([{ boundaries: [1, 9] }])
})

test('strings of three words and more that mostly differ are text, others are labels', () => {
  const titles = ['Red iron pot', 'Blue iron pan with lid', 'Red rake']
  const brands = ['The Iron House', 'The Iron House', 'The Iron House', 'The Wood House']

  expect(deriveFeatures(catalog('title', titles))).toMatchObject([{ kind: 'text' }])
  expect(deriveFeatures(catalog('title', ['pot', 'pan', 'rake']))).toMatchObject([
    { kind: 'label' }
  ])
  expect(deriveFeatures(catalog('brand', brands))).toMatchObject([{ kind: 'label' }])
})

test('a text remembers in how many items each word stands, words of one item left out', () => {
  const titles = ['Red red iron pot', 'Blue iron pan, red lid', 'A wooden rake']

  const [feature] = deriveFeatures(catalog('title', titles))

  expect(feature).toEqual({
    kind: 'text',
    name: 'title',
    attribute: 'title',
    chunks: 1,
    catalogSize: 3,
    documentCounts: { iron: 2, red: 2 }
  })
})

test('booleans, lists of values and mixtures are labels', () => {
  expect(deriveFeatures(catalog('onSale', [true, false]))).toMatchObject([{ kind: 'label' }])
  expect(deriveFeatures(catalog('tags', [['a', 'b'], ['b']]))).toMatchObject([{ kind: 'label' }])
  expect(deriveFeatures(catalog('size', [38, 'XL']))).toMatchObject([{ kind: 'label' }])
})

test('more than a hundred distinct values are looked up twice, to be told apart', () => {
  const labels = (count: number) => Array.from({ length: count }, (_, i) => `brand ${i}`)

  expect(deriveFeatures(catalog('brand', labels(100)))).toMatchObject([{ chunks: 1 }])
  expect(deriveFeatures(catalog('brand', labels(101)))).toMatchObject([{ chunks: 2 }])
  expect(deriveFeatures(catalog('categories', labels(101)))).toMatchObject([{ chunks: 2 }])
  expect(deriveFeatures(catalog('brand', labels(101)), { rows: 50 })).toMatchObject([{ chunks: 1 }])
})

test.each<[string, AttributeValue]>([
  ['brand', 'Ironworks'],
  ['price', 5],
  ['onSale', true],
  ['tags', ['new', 'red']],
  ['categories', ['home', 'kitchen']]
])('%s that is the same in all items is no feature', (attribute, value) => {
  expect(deriveFeatures(catalog(attribute, [value, value, value]))).toEqual([])
})

test.each<[string, AttributeValue]>([
  ['brand', 'Ironworks'],
  ['price', 5],
  ['onSale', true],
  ['categories', ['home']]
])('%s that only some items have tells them from the others', (attribute, value) => {
  expect(deriveFeatures(catalog(attribute, [value, undefined, value]))).toHaveLength(1)
})

test('a first step that all paths share is left out, the steps below it are kept', () => {
  const features = deriveFeatures(
    catalog('categories', [
      ['shop', 'home'],
      ['shop', 'garden']
    ])
  )

  expect(features).toMatchObject([{ name: 'categories:2' }])
})

test('items without attributes, or no items, give no features', () => {
  expect(deriveFeatures([])).toEqual([])
  expect(deriveFeatures(catalog('price', [undefined]))).toEqual([])
})

test('an attribute named like a property of every object is read from those that have it', () => {
  const [feature] = deriveFeatures(catalog('constructor', ['Lotus', undefined, 'Brabham']))

  expect(feature).toMatchObject({ kind: 'label', attribute: 'constructor' })
  expect(deriveFeatures(catalog('constructor', [12, undefined, 3]))).toMatchObject([
    { kind: 'number', boundaries: [3, 12] }
  ])
})

test('features do not depend on the order of items or attributes, and survive JSON', () => {
  const someItem = fc.record(
    {
      title: fc.constantFrom('red iron pot', 'blue pan with lid', 'long wooden rake'),
      price: fc.integer({ min: 1, max: 9 }),
      categories: fc.array(fc.constantFrom('a', 'b'), { maxLength: 5 }),
      brand: fc.constantFrom('x', 'y')
    },
    { requiredKeys: [] }
  )

  fc.assert(
    fc.property(fc.array(someItem), rows => {
      const items = rows.map((attributes, i) => ({ key: `${i}`, attributes, isVisible: true }))
      const turned = items.toReversed().map(item => ({
        ...item,
        attributes: Object.fromEntries(Object.entries(item.attributes).reverse())
      }))

      const features = deriveFeatures(items)

      expect(deriveFeatures(turned)).toEqual(features)
      expect(JSON.parse(JSON.stringify(features))).toEqual(features)
    })
  )
})

/** One item for each value of one attribute; undefined is an item without it. */
function catalog(attribute: string, values: readonly (AttributeValue | undefined)[]): Item[] {
  return values.map((value, i) => ({
    key: `item ${i}`,
    attributes: value === undefined ? {} : { [attribute]: value },
    isVisible: true
  }))
}
