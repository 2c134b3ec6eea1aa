import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Item } from '#shared/catalog/item.ts'
import { catalogVersion, readItem, readItems } from '#shared/catalog/read-items.ts'
import { removeItems, upsertItems } from '#shared/catalog/write-items.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})
beforeEach(() => database.pool.query('truncate items'))
afterAll(() => database.drop())

const pot: Item = {
  key: 'pot',
  attributes: { title: 'Iron pot', price: 19.9, tags: ['new', 'red'], onSale: true },
  isVisible: true
}

test('an item comes back with every attribute as it was written', async () => {
  await upsertItems(database.pool, [pot])

  expect(await readItem(database.pool, 'pot')).toEqual(pot)
})

test('what came beside the attributes is kept, given back, and gone when it is not sent again', async () => {
  const properties = { supplier: { id: 7 }, cloudevent: { specversion: '1.0' } }
  await upsertItems(database.pool, [{ ...pot, properties }])
  const first = await readItem(database.pool, 'pot')

  await upsertItems(database.pool, [pot])

  expect(first).toEqual({ ...pot, properties })
  expect(await readItem(database.pool, 'pot')).toEqual(pot)
})

test('the catalogue as a whole, which features are made of, has attributes alone', async () => {
  await upsertItems(database.pool, [{ ...pot, properties: { margin: 3 } }])

  expect(await readItems(database.pool)).toEqual([pot])
})

test('an item that is written again is replaced, attributes that are gone included', async () => {
  const changed = { key: 'pot', attributes: { title: 'Steel pot' }, isVisible: false }
  await upsertItems(database.pool, [pot])

  await upsertItems(database.pool, [changed])

  expect(await readItems(database.pool)).toEqual([changed])
})

test('of two items with one key in one call the last counts', async () => {
  const later = { ...pot, attributes: { title: 'Steel pot' } }

  await upsertItems(database.pool, [pot, later])

  expect(await readItems(database.pool)).toEqual([later])
})

test('a removed item stays as a hidden row without attributes, the others as they are', async () => {
  const pan = { ...pot, key: 'pan' }
  await upsertItems(database.pool, [{ ...pot, properties: { margin: 3 } }, pan])

  await removeItems(database.pool, ['pot', 'never there'])

  expect(await readItems(database.pool)).toEqual([
    pan,
    { key: 'pot', attributes: {}, isVisible: false }
  ])
  expect(await readItem(database.pool, 'pot')).not.toHaveProperty('properties')
})

test('every change moves the version of the catalogue, and nothing else does', async () => {
  const versions = [await catalogVersion(database.pool)]
  const changes = [
    () => upsertItems(database.pool, [pot]),
    () => upsertItems(database.pool, [pot]),
    () => removeItems(database.pool, ['pot'])
  ]
  for (const change of changes) {
    await change()
    versions.push(await catalogVersion(database.pool))
  }
  await upsertItems(database.pool, [])
  await removeItems(database.pool, ['never there'])

  expect(versions[0]).toBe(0)
  expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b))
  expect(await catalogVersion(database.pool)).toBe(versions.at(-1))
})
