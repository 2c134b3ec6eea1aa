import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { withTransaction } from '#shared/database/pool.ts'
import { appendEvents, lockLog } from '#shared/eventlog/append-events.ts'
import { findLettersNaming, readLetterIds } from '#shared/eventlog/dead-letter-names.ts'
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
  ['a field of a very long list', { payload: json([...Array(300_000).fill(0), 'v-1']) }, true],
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

test('under the lock of the log only what came meanwhile is looked through', async () => {
  const names = (name: string) => ({ payload: json({ session: name }) })
  await insertDeadLetters(database.pool, [letter(0, {}), letter(1, names('s-late'))])
  await append([event('a', 's-1', 'v-1')])

  const erasure = await withTransaction(database.pool, async connection => {
    await lockLog(connection)
    const erasing = forgetVisitor(database.pool, 'v-1')
    await waiterFor('advisory')
    // Letters never change: this one shows whether it is read again.
    const change = 'update dead_letters set payload = $1 where message_offset = 0'
    await database.pool.query(change, [json({ visitor: 'v-1' })])
    await insertDeadLetters(database.pool, [letter(2, names('s-1')), letter(3, names('s-2'))])
    await appendEvents(connection, [event('b', 's-late', 'v-1')])
    return { erasing }
  })

  expect(await erasure.erasing).toEqual({ events: 2, tails: 2, deadLetters: 2 })
  const left = await listDeadLetters(database.pool, { limit: 10 })
  expect(left.map(({ offset }) => offset)).toEqual([0, 3])
})

test('appends go on while dead letters are looked through', async () => {
  const erasing = await withTransaction(database.pool, async connection => {
    await connection.query('lock table dead_letters')
    const erasing = forgetVisitor(database.pool, 'v-1')
    await waiterFor('relation')
    await withTransaction(database.pool, async append => {
      await append.query("set local lock_timeout = '1s'")
      await appendEvents(append, [event('meanwhile', 's-1', 'v-1')])
    })
    return { erasing }
  })

  expect(await erasing.erasing).toEqual({ events: 1, tails: 1, deadLetters: 0 })
})

test('a session that only its tail gives to the visitor is erased as well', async () => {
  await append([event('a', 's-1')])
  await database.pool.query(`update session_tails set visitor_id = 'v-1'`)

  expect(await forgetVisitor(database.pool, 'v-1')).toEqual({ events: 1, tails: 1, deadLetters: 0 })
})

test.each(['', 'v'.repeat(201)])('nobody is called %j', async visitorId => {
  await insertDeadLetters(database.pool, [letter(0, { payload: Buffer.from('no json') })])

  await expect(forgetVisitor(database.pool, visitorId)).rejects.toMatchObject({
    code: 'ARGUMENT_INVALID',
    message: expect.stringContaining('it must be a text of 1 to 200 characters')
  })
  const ids = await readLetterIds(database.pool)
  expect(await findLettersNaming(database.pool, [''], ids)).toEqual([])
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

/** Waits until somebody in this database waits for a lock of that type. */
async function waiterFor(locktype: string): Promise<void> {
  await vi.waitUntil(
    async () => {
      const { rows } = await database.pool.query(
        `select from pg_locks join pg_stat_activity using (pid)
         where not granted and locktype = $1 and datname = current_database()`,
        [locktype]
      )
      return rows.length > 0
    },
    { timeout: 30_000 }
  )
}

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
