import { afterAll, beforeAll, expect, test } from 'vitest'
import { indexCatalogue, readDatabaseSource } from '#services/nextrie/index-command-source.ts'
import { upsertItems } from '#shared/catalog/write-items.ts'
import { withTransaction } from '#shared/database/pool.ts'
import { appendEvents } from '#shared/eventlog/append-events.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'
import { shopEvents, shopItems } from '#test/support/small-shop.ts'
import { runNextrie } from './run-nextrie.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
  await upsertItems(database.pool, shopItems)
  const events = shopEvents({ days: 3, sessionsPerDay: 20, seed: 1 })
  await withTransaction(database.pool, connection => appendEvents(connection, events))
})
afterAll(() => database.drop())

test('the catalogue and the log of a database are indexed by any scheme', async () => {
  const source = await readDatabaseSource(database.pool)

  const indexed = indexCatalogue(source, { scheme: 'collaborative', seed: 1 })

  expect(indexed.items.map(({ key }) => key)).toEqual(shopItems.map(({ key }) => key).sort())
  expect(indexed.trie.itemCountOf(0)).toBe(shopItems.length)
  expect(indexed.clicks.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(100)
})

test('an item of the bundled data is explained without a database', async () => {
  const { output, code } = await runNextrie(['index', '--scheme', 'semantic', '--explain', 'A13'])

  expect(code).toBe(0)
  expect(output).toMatch(/item A13 .* has the ID \d+ \d+ by semantic/)
  expect(output).toMatch(/1 +\d+ +trousers +43 /)
  expect(output).toContain('shared codes')
})

test('statistics of a database are shown, and an unknown item is named with a way out', async () => {
  const environment = { DATABASE_URL: database.url }

  const stats = await runNextrie(['index', 'stats', '--scheme', 'semantic'], { environment })
  const unknown = await runNextrie(['index', '--explain', 'nothing'], { environment })

  expect(stats.output).toMatch(/48 items, IDs by semantic/)
  expect(stats.output).toMatch(/unused/)
  expect(unknown).toMatchObject({ code: 1, output: '' })
  expect(unknown.faults).toMatch(/has no item nothing: name one of its 48 items, as r0-0/)
})

test('a scheme that the catalogue has nothing for says what is missing', async () => {
  const { faults, code } = await runNextrie(['index', '--scheme', 'title'])

  expect(code).toBe(1)
  expect(faults).toMatch(/no item has a title or a name/)
})
