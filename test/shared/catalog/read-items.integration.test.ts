import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  catalogVersion,
  readHiddenKeys,
  readItem,
  readItems,
  readItemsPage
} from '#shared/catalog/read-items.ts'
import { upsertItems } from '#shared/catalog/write-items.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
  const keys = ['b', 'a', 'B', '10', '9', 'é']
  const items = keys.map(key => ({ key, attributes: {}, isVisible: key !== 'a' }))
  await upsertItems(database.pool, items)
})
afterAll(() => database.drop())

test('the catalogue is read whole, in the order of the bytes of its keys', async () => {
  const items = await readItems(database.pool)

  expect(items.map(({ key }) => key)).toEqual(['10', '9', 'B', 'a', 'b', 'é'])
})

test('pages follow each other through the visible items', async () => {
  const pages = [
    await page('', 2),
    await page('9', 2),
    await page('b', 2),
    await page('é', 2),
    await page('A', 1)
  ]

  expect(pages).toEqual([['10', '9'], ['B', 'b'], ['é'], [], ['B']])
})

test('hidden items are known by their keys, and can be asked for one by one', async () => {
  const page = { upToVersion: await catalogVersion(database.pool), after: '', limit: 9 }

  expect(await readHiddenKeys(database.pool, page)).toEqual(['a'])
  expect(await readHiddenKeys(database.pool, { ...page, after: 'a' })).toEqual([])
  expect(await readHiddenKeys(database.pool, { ...page, upToVersion: 0 })).toEqual([])
  expect(await readItem(database.pool, 'a')).toEqual({
    key: 'a',
    attributes: {},
    isVisible: false
  })
  expect(await readItem(database.pool, 'c')).toBeUndefined()
})

async function page(after: string, limit: number): Promise<string[]> {
  return (await readItemsPage(database.pool, { after, limit })).map(({ key }) => key)
}
