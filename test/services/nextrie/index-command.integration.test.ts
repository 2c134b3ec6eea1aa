import { Command } from 'commander'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addIndexCommand } from '#services/nextrie/index-command.ts'
import { indexCatalogue, readDatabaseSource } from '#services/nextrie/index-command-source.ts'
import { describeStatistics } from '#services/nextrie/index-command-text.ts'
import { upsertItems } from '#shared/catalog/write-items.ts'
import { withTransaction } from '#shared/database/pool.ts'
import { appendEvents } from '#shared/eventlog/append-events.ts'
import { idStatistics } from '#shared/itemids/id-statistics.ts'
import { cutSessions } from '#shared/sessions/cut-sessions.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'
import { shopEvents, shopItems } from '#test/support/small-shop.ts'
import { runNextrie } from './run-nextrie.ts'

const events = shopEvents({ days: 3, sessionsPerDay: 20, seed: 1 })
let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
  await upsertItems(database.pool, shopItems)
  await withTransaction(database.pool, connection => appendEvents(connection, events))
})
afterAll(() => database.drop())

test('the catalogue and the log of a database are indexed by any scheme', async () => {
  const source = await readDatabaseSource(database.pool, { gapMinutes: 30, withRelease: false })

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
  expect(unknown.faults).toMatch(
    /has no item nothing with an ID: name one of the 48 that have one, as r0-0/
  )
})

test('sessions end where SESSION_GAP_MINUTES says', async () => {
  const sessionsAt = async (gapMinutes: number) =>
    (await readDatabaseSource(database.pool, { gapMinutes, withRelease: false })).sessions.length

  expect(await sessionsAt(30)).toBe(60)
  expect(await sessionsAt(1)).toBe(cutSessions(events, { gapMinutes: 1 }).length)
  expect(await sessionsAt(1)).toBeGreaterThan(60)
  const environment = { SESSION_GAP_MINUTES: 'soon' }
  const { code, faults } = await runNextrie(['index', '--scheme', 'semantic'], { environment })
  expect(code).toBe(1)
  expect(faults).toMatch(/SESSION_GAP_MINUTES must be a whole number/)
})

test('settings of a scheme are given by options, and a long fit says how far it is', async () => {
  const options = ['index', 'stats', '--scheme', 'collaborative', '--branching', '3']
  const environment = { DATABASE_URL: database.url }

  const divided = await runNextrie([...options, '--cluster-size', '6'], { environment })
  const aimless = await runNextrie(['index', '--branching', '3'], { environment })

  const [, codes, , , mostChildren] = divided.output
    .match(/^ *1 .*$/m)![0]
    .trim()
    .split(/ +/)
  expect(codes).toBe('4') // three, and nothing more
  expect(Number(mostChildren)).toBeLessThanOrEqual(3)
  expect(divided.faults).toMatch(/item IDs, clusters of visited items: 48 of 48/)
  expect(aimless.faults).toMatch(/branching of item IDs .* name one with --scheme/)
})

test.each([
  ['--branching <number>', 'x', 'a whole number of at least 1'],
  ['--cluster-size <number>', '0', 'a whole number of at least 1'],
  ['--words <number>', '2.5', 'a whole number of at least 1'],
  ['--codes-per-level <number>', '', 'a whole number of at least 1'],
  ['--seed <number>', '1e99', 'a whole number of at least 0']
])('%s is refused for %j', async (option, value, wanted) => {
  const nextrie = new Command().exitOverride().configureOutput({ writeErr: () => undefined })
  const never = () => expect.unreachable()
  addIndexCommand(nextrie, {
    withDatabase: never,
    hasDatabase: never,
    gapMinutes: never,
    progressTo: process.stderr,
    write: never
  })
  const given = ['index', '--scheme', 'semantic', option.split(' ')[0]!, value]

  const parsed = nextrie.parseAsync(given, { from: 'user' })

  await expect(parsed).rejects.toMatchObject({
    exitCode: 1,
    message: `error: option '${option}' argument '${value}' is invalid. It must be ${wanted}.`
  })
})

test('the live release is read where no scheme is named, and only there', async () => {
  const environment = { DATABASE_URL: database.url }
  await database.pool.query(
    `insert into releases (release_id, state, location, manifest)
     values ('lost', 'live', '/nowhere', '{}')`
  )

  const named = await runNextrie(['index', '--scheme', 'semantic'], { environment })
  const live = await runNextrie(['index'], { environment })

  await database.pool.query(`delete from releases where release_id = 'lost'`)
  expect(named).toMatchObject({ code: 0 })
  expect(live).toMatchObject({ code: 1, output: '' })
  expect(live.faults).toMatch(/\/nowhere/)
})

test('how many items share a cell, and how many cells are shared, is counted', () => {
  const items = Array.from({ length: 6 }, (_, i) => ({
    key: `item ${i}`,
    attributes: { categories: [`c${i < 3 ? 0 : i}`] },
    isVisible: true
  }))
  const indexed = indexCatalogue(
    { name: 'six', items, sessions: [] },
    { scheme: 'semantic', seed: 1 }
  )

  expect(describeStatistics(indexed, idStatistics(indexed.itemIds, indexed.trie))).toContain(
    '3 items share all codes but the last with another, in 1 of 4 cells, the largest of 3'
  )
})

test('a scheme that the catalogue has nothing for says what is missing', async () => {
  const { faults, code } = await runNextrie(['index', '--scheme', 'title'])

  expect(code).toBe(1)
  expect(faults).toMatch(/no item has a title or a name/)
})
