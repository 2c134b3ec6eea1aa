import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
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

test('a long log is read through constant memory, in its order across months', async () => {
  await database.pool.query('truncate events restart identity')
  await database.pool.query("select add_events_month('2026-01-01'), add_events_month('2026-02-01')")
  await database.pool.query(
    `insert into events (month, event_id, type, session_id, item_key, occurred_at, properties)
     select make_date(2026, 1 + n % 3, 1), 'e-' || n, 'click', 's-' || n / 10, 'A13', now(),
            '{"context": {"page": "category"}}'
     from generate_series(1, 100000) as n`
  )
  const heaps: number[] = []
  let last = 0

  for await (const batch of readEvents(database.pool, {
    after: 0,
    upTo: 100_000,
    batchSize: 4000
  })) {
    expect(batch.map(({ position }) => position)).toEqual(batch.map((_, index) => last + index + 1))
    last = batch.at(-1)!.position
    heaps.push(heapBytes())
  }

  // All events together would take some 60 MB.
  expect(last).toBe(100_000)
  expect(heaps.at(-1)! - heaps[2]!).toBeLessThan(10_000_000)
})

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function heapBytes(): number {
  collect()
  return process.memoryUsage().heapUsed
}

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
