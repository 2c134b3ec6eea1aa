import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { readTrainingLog } from '#services/trainer/read-training-log.ts'
import { withTransaction } from '#shared/database/pool.ts'
import { appendEvents } from '#shared/eventlog/append-events.ts'
import type { Event } from '#shared/events/event.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})
beforeEach(() => database.pool.query('truncate events, session_tails restart identity'))
afterAll(() => database.drop())

test('the log is read whole and cut into sessions, and says what was read', async () => {
  await append([
    event('b', { itemKey: 'pan', minute: 5 }),
    event('a', { itemKey: 'pot', minute: 0 }),
    event('c', { type: 'dislike', minute: 90 }),
    event('d', { itemKey: 'rake', minute: 60 })
  ])

  const log = await readTrainingLog(database.pool, 30)

  expect(log).toMatchObject({
    fromPosition: 1,
    toPosition: 4,
    events: 4,
    firstEventAt: new Date('2026-03-01T09:00:00Z'),
    lastEventAt: new Date('2026-03-01T10:30:00Z'),
    eventIdsSha256: createHash('sha256').update('b\na\nc\nd\n').digest('hex')
  })
  const clicked = log.sessions.map(({ clicks }) => clicks.map(({ itemKey }) => itemKey))
  expect(clicked).toEqual([['pot', 'pan'], ['rake']])
})

test('an event after the last position asked for is not read, however often the log has grown', async () => {
  await append([event('a'), event('b', { minute: 1 })])
  const before = await readTrainingLog(database.pool, 30)
  await append([event('c', { minute: 2 })])

  const again = await readTrainingLog(database.pool, 30, before.toPosition)

  expect(again).toEqual(before)
  expect((await readTrainingLog(database.pool, 30)).eventIdsSha256).not.toBe(before.eventIdsSha256)
})

test('the gap decides where a session ends', async () => {
  await append([event('a'), event('b', { minute: 45 })])

  expect((await readTrainingLog(database.pool, 30)).sessions).toHaveLength(2)
  expect((await readTrainingLog(database.pool, 60)).sessions).toHaveLength(1)
})

test('an empty log is too short, and the error says what to do', async () => {
  await expect(readTrainingLog(database.pool, 30)).rejects.toMatchObject({
    code: 'LOG_TOO_SHORT',
    message: 'the event log is empty: import or ingest events first'
  })
})

async function append(events: readonly Event[]): Promise<void> {
  await withTransaction(database.pool, connection => appendEvents(connection, events))
}

function event(
  id: string,
  { minute = 0, ...facts }: Partial<Event> & { readonly minute?: number } = {}
): Event {
  return {
    id,
    type: 'click',
    sessionId: 's-1',
    itemKey: 'pot',
    occurredAt: new Date(Date.UTC(2026, 2, 1, 9, minute)),
    properties: {},
    ...facts
  }
}
