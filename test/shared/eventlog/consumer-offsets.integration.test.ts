import { afterAll, beforeAll, expect, test } from 'vitest'
import { withTransaction } from '#shared/database/pool.ts'
import { moveOffset, readPlace } from '#shared/eventlog/consumer-offsets.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'

const group = 'nextrie-ingestion'
let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

test('an offset is moved step by step, each group and partition for itself', async () => {
  const { pool } = database
  const place = { group, topic: 'steps', partition: 0 }

  expect((await readPlace(pool, place))?.next).toBeUndefined()
  expect(await moveOffset(pool, place, { from: undefined, to: 5 })).toBe(true)
  expect(await moveOffset(pool, place, { from: 5, to: 9 })).toBe(true)
  expect((await readPlace(pool, place))?.next).toBe(9)
  expect((await readPlace(pool, { ...place, partition: 1 }))?.next).toBeUndefined()
  expect((await readPlace(pool, { ...place, group: 'other' }))?.next).toBeUndefined()
})

test('a consumer that believes in another offset moves nothing', async () => {
  const { pool } = database
  const place = { group, topic: 'stale', partition: 0 }
  await moveOffset(pool, place, { from: undefined, to: 5 })

  expect(await moveOffset(pool, place, { from: undefined, to: 7 })).toBe(false)
  expect(await moveOffset(pool, place, { from: 3, to: 7 })).toBe(false)
  expect(await moveOffset(pool, { ...place, partition: 1 }, { from: 3, to: 7 })).toBe(false)
  expect((await readPlace(pool, place))?.next).toBe(5)
})

test('of two consumers at one place the second waits for the first and is then refused', async () => {
  const { pool } = database
  const place = { group, topic: 'race', partition: 0 }
  await moveOffset(pool, place, { from: undefined, to: 5 })
  const attempt = (to: number) =>
    withTransaction(pool, connection => moveOffset(connection, place, { from: 5, to }))

  const outcomes = await Promise.all([attempt(7), attempt(8), attempt(9)])

  expect(outcomes.filter(Boolean)).toHaveLength(1)
})

test('the message that a log is known by is kept with the offset, or forgotten with it', async () => {
  const { pool } = database
  const place = { group, topic: 'known', partition: 0 }
  const last = { offset: 4, timestamp: '1767225600000000000' } // nanoseconds: more than a number holds

  expect(await readPlace(pool, place)).toBeUndefined()
  await moveOffset(pool, place, { from: undefined, to: 5, last })
  expect(await readPlace(pool, place)).toEqual({ next: 5, last })
  await moveOffset(pool, place, { from: 5, to: 9 })
  expect(await readPlace(pool, place)).toEqual({ next: 9, last: undefined })
})
