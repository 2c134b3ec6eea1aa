import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createItemFilters } from '#services/serving/item-filters.ts'
import { catalogVersion } from '#shared/catalog/read-items.ts'
import { upsertItems } from '#shared/catalog/write-items.ts'
import type { Pool } from '#shared/database/pool.ts'
import { createSelecting, type ItemSelection } from '#shared/recommendations/item-selection.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'

/** More than are read at once. */
const count = 20_500
const red = { attribute: 'colour', equals: 'red' }

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
  await paint('red')
})
afterAll(() => database.drop())

async function paint(colour: string): Promise<void> {
  const items = Array.from({ length: count }, (_, i) => ({
    key: `item ${i}`,
    attributes: { colour },
    isVisible: true
  }))
  await upsertItems(database.pool, items)
}

/** Filters that have taken in what the catalogue was at `refresh`. */
async function filtersOn(pool: Pool, patienceMs?: number) {
  let version = await catalogVersion(pool)
  const index = new Map(Array.from({ length: count }, (_, i) => [`item ${i}`, i]))
  const facts = { pool, select: createSelecting(index, count), versionOf: () => version }
  const refresh = async () => {
    version = await catalogVersion(pool)
  }
  return { ...createItemFilters(facts, patienceMs), refresh }
}

function sizeOf({ bits }: ItemSelection): number {
  let size = 0
  for (const word of new Uint32Array(bits)) size += word.toString(2).replaceAll('0', '').length
  return size
}

test('more changes than are read at once are all taken in', async () => {
  const filters = await filtersOn(database.pool)
  expect(sizeOf(await filters.of(red))).toBe(count)

  await paint('blue')
  await filters.refresh()

  await expect.poll(async () => sizeOf(await filters.of(red)), { timeout: 10_000 }).toBe(0)
}, 30_000)

test('who asks while the items cannot be read is told so, and is answered once they can', async () => {
  const filters = await filtersOn(database.pool, 200)
  const holder = await database.pool.connect()
  await holder.query('begin; lock table items in access exclusive mode')

  const asked = [filters.of(red), filters.of(red)]
  for (const answer of asked) {
    await expect(answer).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE', canRetry: true })
  }
  await holder.query('rollback')
  holder.release()

  await vi.waitUntil(() => filters.of(red).then(Boolean, () => false), { timeout: 10_000 })
}, 30_000)

test('a reading that fails leaves the filter as it was, and the next one goes on from there', async () => {
  const filters = await filtersOn(database.pool)
  const before = await filters.of(red)
  await paint('red')
  await filters.refresh()
  await database.pool.query('alter table items rename to gone')
  await expect
    .poll(() => filters.of(red).catch(({ code }) => code), { timeout: 10_000 })
    .toBe('42P01')
  await database.pool.query('alter table gone rename to items')

  const after = await filters.of(red)

  expect([sizeOf(before), sizeOf(after)]).toEqual([0, count])
}, 30_000)
