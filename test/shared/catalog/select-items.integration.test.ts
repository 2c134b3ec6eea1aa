import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { conditionFaults, type ItemCondition, passes } from '#shared/catalog/item-condition.ts'
import { readAttributeNames, selectChanged, selectItems } from '#shared/catalog/select-items.ts'
import { removeItems, upsertItems } from '#shared/catalog/write-items.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'

const catalogue = {
  shirt: { brand: 'Acme', price: 20, sizes: ['S', 'M'], sale: true },
  coat: { brand: 'Zenith', price: 99.5, sizes: ['M'], sale: false },
  sock: { brand: 'Acme', price: 'on request' },
  sign: { brand: ['Acme', 'Zenith'], price: 0, sizes: [] },
  "it's": { brand: 'Acme "and" sons', price: -5 },
  bare: {}
}
let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
  const items = Object.entries(catalogue)
  await upsertItems(
    database.pool,
    items.map(([key, attributes]) => ({ key, attributes, isVisible: true }))
  )
})
afterAll(() => database.drop())

function select(condition: ItemCondition) {
  return selectItems(database.pool, condition, { after: '', limit: 100 })
}

test.each<[string, ItemCondition, string[]]>([
  ['a value', { attribute: 'brand', equals: 'Acme' }, ['shirt', 'sign', 'sock']],
  ['a value in a list', { attribute: 'sizes', equals: 'M' }, ['coat', 'shirt']],
  ['one of several values', { attribute: 'price', in: [0, -5] }, ["it's", 'sign']],
  ['true', { attribute: 'sale', equals: true }, ['shirt']],
  [
    'a range of numbers, both ends included',
    { attribute: 'price', min: 20, max: 99.5 },
    ['coat', 'shirt']
  ],
  ['quotes', { attribute: 'brand', equals: 'Acme "and" sons' }, ["it's"]],
  [
    'not, for which an item without the attribute passes',
    { not: { attribute: 'price', min: -9 } },
    ['bare', 'sock']
  ]
])('%s', async (_, condition, keys) => {
  expect(await select(condition)).toEqual(keys)
})

test('Postgres selects what the condition says in plain words', async () => {
  const value = fc.constantFrom<(string | number | boolean)[]>(
    'Acme',
    'Zenith',
    'S',
    'M',
    20,
    0,
    -5,
    true,
    false
  )
  const attribute = fc.constantFrom('brand', 'price', 'sizes', 'sale', 'nowhere')
  const { condition } = fc.letrec<{ condition: ItemCondition }>(tie => ({
    condition: fc.oneof(
      { maxDepth: 3 },
      fc.record({ attribute, equals: value }) as fc.Arbitrary<ItemCondition>,
      fc.record({
        attribute,
        in: fc.array(value, { minLength: 1 })
      }) as fc.Arbitrary<ItemCondition>,
      fc.record({
        attribute,
        min: fc.integer({ min: -9, max: 99 })
      }) as fc.Arbitrary<ItemCondition>,
      fc.record({
        attribute,
        max: fc.integer({ min: -9, max: 99 })
      }) as fc.Arbitrary<ItemCondition>,
      fc.record({ and: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }) }),
      fc.record({ or: fc.array(tie('condition'), { minLength: 1, maxLength: 3 }) }),
      fc.record({ not: tie('condition') })
    )
  }))

  await fc.assert(
    fc.asyncProperty(condition, async condition => {
      const expected = Object.entries(catalogue)
        .filter(([, attributes]) => passes(attributes, condition))
        .map(([key]) => key)

      expect(await select(condition)).toEqual(expected.sort())
    }),
    { numRuns: 150 }
  )
})

test('what changed is told with whether it passes now, and the pages follow one another', async () => {
  const condition = { attribute: 'colour', equals: 'red' }
  const { rows } = await database.pool.query<{ version: string }>(
    'select max(version) as version from items'
  )
  const version = Number(rows[0]!.version)
  const items = ['red 1', 'red 2', 'red 3', 'blue'].map(key => ({
    key,
    attributes: { colour: key.split(' ')[0]! },
    isVisible: true
  }))
  await upsertItems(database.pool, items)

  const changed = await selectChanged(database.pool, condition, { after: version, limit: 3 })
  const after = changed.at(-1)!.version
  changed.push(...(await selectChanged(database.pool, condition, { after, limit: 3 })))
  const first = await selectItems(database.pool, condition, { after: '', limit: 2 })
  const second = await selectItems(database.pool, condition, { after: first.at(-1)!, limit: 2 })
  await removeItems(
    database.pool,
    items.map(({ key }) => key)
  )

  expect(changed).toHaveLength(4)
  expect(Object.fromEntries(changed.map(({ key, isIn }) => [key, isIn]))).toEqual({
    'red 1': true,
    'red 2': true,
    'red 3': true,
    blue: false
  })
  expect([first, second]).toEqual([['red 1', 'red 2'], ['red 3']])
})

test('the names of attributes are those that items have', async () => {
  expect([...(await readAttributeNames(database.pool))].sort()).toEqual([
    'brand',
    'price',
    'sale',
    'sizes'
  ])
})

test.each<[string, ItemCondition, string, string]>([
  [
    'an unknown attribute',
    { attribute: 'colour', equals: 'red' },
    'filter.attribute',
    'brand, price'
  ],
  ['nothing', {}, 'filter', 'attribute, and, or, not'],
  [
    'two kinds',
    { attribute: 'brand', equals: 'x', not: { attribute: 'brand', equals: 'y' } },
    'filter',
    'attribute and not'
  ],
  ['no test', { and: [{ attribute: 'brand' }] }, 'filter.and[0]', 'equals'],
  ['two tests', { attribute: 'brand', equals: 'x', min: 1 }, 'filter', 'equals'],
  [
    'a range that is none',
    { not: { attribute: 'price', min: 2, max: 1 } },
    'filter.not.min',
    'above max'
  ],
  [
    'a test without attribute',
    { or: [{ attribute: 'price', min: 2 }], max: 1 },
    'filter.max',
    'attribute'
  ],
  ['half a surrogate pair', { attribute: 'brand', in: ['\ud800'] }, 'filter.in', 'surrogate']
])('%s is a fault that names the field', (_, condition, field, message) => {
  const faults = conditionFaults(condition, new Set(['price', 'brand']), 'filter')

  expect(faults).toEqual([{ field, message: expect.stringContaining(message) }])
})
