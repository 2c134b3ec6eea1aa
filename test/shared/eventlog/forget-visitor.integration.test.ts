import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { withTransaction } from '#shared/database/pool.ts'
import { appendEvents } from '#shared/eventlog/append-events.ts'
import {
  type DeadLetter,
  insertDeadLetters,
  listDeadLetters
} from '#shared/eventlog/dead-letters.ts'
import { forgetVisitor } from '#shared/eventlog/forget-visitor.ts'
import { readSessionTail } from '#shared/eventlog/session-tails.ts'
import type { Event } from '#shared/events/event.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())
beforeEach(() => database.pool.query('truncate events, session_tails, dead_letters, erasures'))

test('a visitor is erased with the sessions, and nobody else', async () => {
  await append([
    event('before-login', 's-1'),
    event('after-login', 's-1', 'v-1'),
    event('another-day', 's-2', 'v-1'),
    event('elsewhere', 's-3', 'v-10'),
    event('nameless', 's-4')
  ])

  const erasure = await forgetVisitor(database.pool, 'v-1')

  expect(erasure).toEqual({ events: 3, tails: 2, deadLetters: 0 })
  expect(await idsInLog()).toEqual(['elsewhere', 'nameless'])
  expect(await readSessionTail(database.pool, 's-1')).toBeUndefined()
  expect(await readSessionTail(database.pool, 's-2')).toBeUndefined()
  expect(await readSessionTail(database.pool, 's-3')).toMatchObject({ events: [{}] })
})

test('of a session that two visitors share, the other one keeps events and tail', async () => {
  await append([event('a', 's-1', 'v-1'), event('b', 's-1', 'v-2'), event('c', 's-1', 'v-1')])

  expect(await forgetVisitor(database.pool, 'v-1')).toEqual({ events: 2, tails: 1, deadLetters: 0 })

  expect(await idsInLog()).toEqual(['b'])
  const { rows } = await database.pool.query('select visitor_id, events from session_tails')
  expect(rows).toMatchObject([{ visitor_id: 'v-2', events: expect.stringContaining('click\tb\t') }])
})

test.each<[string, Partial<DeadLetter>, boolean]>([
  ['a field of the JSON', { payload: json({ visitor: 'v-1', type: 'nod' }) }, true],
  ['a field far inside', { payload: json({ a: [{ b: { 'v-1': 1 } }] }) }, true],
  ['JSON escapes', { payload: Buffer.from('{"visitor":"\\u0076-1"}') }, true],
  ['the session', { payload: json({ session: 's-1' }) }, true],
  ['broken JSON', { payload: Buffer.from('{"visitor":"v-1"') }, true],
  ['bytes that are no text', { payload: Buffer.from([0xff, 0x76, 0x2d, 0x31, 0xfe]) }, true],
  ['the key', { payload: null, key: Buffer.from('v-1') }, true],
  ['a header', { headers: { ce_subject: [null, Buffer.from('v-1')] } }, true],
  ['a longer id', { payload: json({ visitor: 'v-10' }) }, false],
  ['a longer id in broken JSON', { payload: Buffer.from('{"visitor":"v-10"') }, false],
  ['nothing', { payload: Buffer.from('\\'), headers: { trace: [Buffer.from('x')] } }, false]
])(
  'of the dead letters, one that names the visitor by %s is erased: %#',
  async (_, facts, isErased) => {
    await append([event('a', 's-1', 'v-1')])
    await insertDeadLetters(database.pool, [letter(0, facts)])

    const { deadLetters } = await forgetVisitor(database.pool, 'v-1')

    expect(deadLetters).toBe(isErased ? 1 : 0)
    expect(await listDeadLetters(database.pool, { limit: 10 })).toHaveLength(isErased ? 0 : 1)
  }
)

test('dead letters are looked through page by page', async () => {
  const letters = Array.from({ length: 170 }, (_, offset) =>
    letter(offset, { payload: json({ visitor: offset % 3 === 0 ? 'v-2' : 'v-1', path: '\\' }) })
  )
  await insertDeadLetters(database.pool, letters)

  expect((await forgetVisitor(database.pool, 'v-1')).deadLetters).toBe(113)
})

test('each erasure is recorded by a hash, also one that found nothing', async () => {
  await append([event('a', 's-1', 'v-1')])

  await forgetVisitor(database.pool, 'v-1')
  await forgetVisitor(database.pool, 'v-1')

  const { rows } = await database.pool.query('select * from erasures order by erasure_id')
  const hash = createHash('sha256').update('v-1').digest()
  expect(rows).toMatchObject([
    { visitor_hash: hash, events: 1, tails: 1, dead_letters: 0, erased_at: expect.any(Date) },
    { visitor_hash: hash, events: 0, tails: 0, dead_letters: 0 }
  ])
})

async function append(events: readonly Event[]): Promise<void> {
  await withTransaction(database.pool, connection => appendEvents(connection, events))
}

async function idsInLog(): Promise<string[]> {
  const { rows } = await database.pool.query('select event_id from events order by position')
  return rows.map(row => row.event_id)
}

function event(id: string, sessionId: string, visitorId?: string): Event {
  const occurredAt = new Date('2026-03-01T09:30:00Z')
  const facts = {
    id,
    type: 'click',
    occurredAt,
    sessionId,
    itemKey: 'A13',
    properties: {}
  } as const
  return { ...facts, ...(visitorId && { visitorId }) }
}

function letter(offset: number, facts: Partial<DeadLetter>): DeadLetter {
  const place = { topic: 'events', partition: 0, offset }
  return { ...place, key: null, payload: json({}), headers: {}, reason: 'no event', ...facts }
}

function json(value: object): Buffer {
  return Buffer.from(JSON.stringify(value))
}
