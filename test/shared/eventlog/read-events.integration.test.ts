import { afterAll, beforeAll, expect, test } from 'vitest'
import { withTransaction } from '#shared/database/pool.ts'
import { appendEvents } from '#shared/eventlog/append-events.ts'
import { type EventRange, lastPosition, readEvents } from '#shared/eventlog/read-events.ts'
import { readSessionTail } from '#shared/eventlog/session-tails.ts'
import type { Event } from '#shared/events/event.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

test('an empty log has no events, and its last position is 0', async () => {
  expect(await lastPosition(database.pool)).toBe(0)
  expect(await read({ after: 0, upTo: 100 })).toEqual([])
})

test('a range is read in batches of at most the size asked for, none of them empty', async () => {
  await append(['a', 'b', 'c', 'd', 'e', 'f'])

  expect(await lastPosition(database.pool)).toBe(6)
  expect(await read({ after: 0, upTo: 6, batchSize: 4 })).toEqual([
    ['a', 'b', 'c', 'd'],
    ['e', 'f']
  ])
  expect(await read({ after: 0, upTo: 6, batchSize: 3 })).toEqual([
    ['a', 'b', 'c'],
    ['d', 'e', 'f']
  ])
  expect(await read({ after: 2, upTo: 4 })).toEqual([['c', 'd']])
  expect(await read({ after: 6, upTo: 9 })).toEqual([])
})

test('a session without events has no tail, any other has its newest', async () => {
  expect(await readSessionTail(database.pool, 'nobody')).toBeUndefined()
  expect(await readSessionTail(database.pool, 's-1')).toMatchObject({
    sessionId: 's-1',
    events: [
      { id: 'a', type: 'click', itemKey: 'A13', occurredAt: new Date('2026-03-01T09:30:00Z') },
      { id: 'b' },
      { id: 'c' },
      { id: 'd' },
      { id: 'e' },
      { id: 'f' }
    ]
  })
})

async function append(ids: readonly string[]): Promise<void> {
  const events = ids.map((id): Event => {
    const occurredAt = new Date('2026-03-01T09:30:00Z')
    return { id, type: 'click', occurredAt, sessionId: 's-1', itemKey: 'A13', properties: {} }
  })
  await withTransaction(database.pool, connection => appendEvents(connection, events))
}

async function read(range: EventRange): Promise<string[][]> {
  const ids: string[][] = []
  for await (const batch of readEvents(database.pool, range)) ids.push(batch.map(({ id }) => id))
  return ids
}
