import { afterAll, beforeAll, expect, test } from 'vitest'
import { createHiddenItems } from '#services/serving/hidden-items.ts'
import { removeItems, upsertItems } from '#shared/catalog/write-items.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
  const items = ['a', 'b', 'c'].map(key => ({ key, attributes: {}, isVisible: key !== 'c' }))
  await upsertItems(database.pool, items)
})
afterAll(() => database.drop())

test('hidden items are known from the first question on', async () => {
  const hidden = createHiddenItems(database.pool)

  expect(await hidden.keys()).toEqual(['c'])
})

test('what another process hides, shows or removes is known after a refresh', async () => {
  const hidden = createHiddenItems(database.pool)
  await hidden.keys()
  await upsertItems(database.pool, [{ key: 'c', attributes: {}, isVisible: true }])
  await removeItems(database.pool, ['a'])
  await hidden.refresh()

  expect(await hidden.keys()).toEqual(['a'])
})
