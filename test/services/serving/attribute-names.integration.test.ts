import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAttributeNames } from '#services/serving/attribute-names.ts'
import { upsertItems } from '#shared/catalog/write-items.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

const add = (attribute: string) =>
  upsertItems(database.pool, [{ key: attribute, attributes: { [attribute]: 1 }, isVisible: true }])

test('all who ask while the catalogue changes share a reading, which knows what was there', async () => {
  const names = createAttributeNames(database.pool)
  await add('colour')
  const asked = Array.from({ length: 20 }, (_, i) => names.including([`typo ${i}`, 'colour']))

  const readings = new Set(await Promise.all(asked))
  await add('size') // within the second of the reading before
  const after = await names.including(['size'])

  expect(readings.size).toBe(1)
  expect([...after].sort()).toEqual(['colour', 'size'])
})
