import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { replayDeadLetters } from '#services/nextrie/replay-dead-letters.ts'
import { readItem } from '#shared/catalog/read-items.ts'
import { upsertItems } from '#shared/catalog/write-items.ts'
import { createPool, withTransaction } from '#shared/database/pool.ts'
import {
  countDeadLetters,
  type DeadLetter,
  deleteDeadLetters,
  insertDeadLetters,
  listDeadLetters,
  summarizeDeadLetters
} from '#shared/eventlog/dead-letters.ts'
import { readSessionTail } from '#shared/eventlog/session-tails.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'
import { runNextrie } from './run-nextrie.ts'

let database: TestDatabase
beforeEach(async () => {
  database = await createTestDatabase()
})
afterEach(() => database.drop())

const message = { type: 'click', time: '2026-03-01T09:30:00Z', session: 's', item: 'a' }

function letter(offset: number, payload: unknown, more: Partial<DeadLetter> = {}): DeadLetter {
  return {
    topic: 'events',
    partition: 0,
    offset,
    key: null,
    payload: Buffer.from(typeof payload === 'string' ? payload : JSON.stringify(payload)),
    headers: {},
    reason: 'the program was too old',
    ...more
  }
}

function replay(more: Partial<Parameters<typeof replayDeadLetters>[0]> = {}) {
  return replayDeadLetters({
    pool: database.pool,
    filter: {},
    limit: 1000,
    kindOf: topic => (topic === 'events' ? 'event' : topic === 'items' ? 'item' : undefined),
    ...more
  })
}

test('what is acceptable by now is logged and its letter removed; the rest stays', async () => {
  await insertDeadLetters(database.pool, [
    letter(1, { ...message, id: 'e-1' }),
    letter(2, 'no json'),
    letter(3, message, {
      headers: {
        ce_specversion: [Buffer.from('1.0')],
        ce_id: [Buffer.from('7')],
        ce_source: [null]
      }
    })
  ])

  expect(await replay()).toMatchObject({ appended: 2, duplicates: 0, rejected: 1 })
  expect(await listDeadLetters(database.pool, { limit: 10 })).toMatchObject([
    { offset: 2, reason: 'the message is not JSON' }
  ])
  expect((await readSessionTail(database.pool, 's'))?.events.map(({ id }) => id)).toEqual([
    'e-1',
    '/7'
  ])
})

test('an event that the log has already is not doubled, and its letter goes', async () => {
  const twice = { ...message, id: 'e-1' }
  await insertDeadLetters(database.pool, [letter(1, twice)])
  await replay()
  await insertDeadLetters(database.pool, [letter(1, twice), letter(2, twice)])

  expect(await replay()).toMatchObject({ appended: 0, duplicates: 2 })
  expect(await countDeadLetters(database.pool)).toBe(0)
})

test('two replays at once share the letters, and nothing is doubled', async () => {
  const letters = Array.from({ length: 350 }, (_, i) => letter(i, { ...message, id: `e-${i}` }))
  await insertDeadLetters(database.pool, letters)

  const both = await Promise.all([replay(), replay()])

  expect(both.map(({ duplicates }) => duplicates)).toEqual([0, 0])
  expect(both[0]!.appended + both[1]!.appended).toBe(350)
  expect(await countDeadLetters(database.pool)).toBe(0)
})

test('a replay that is interrupted has done whole batches, and another goes on', async () => {
  const letters = Array.from({ length: 250 }, (_, i) => letter(i, { ...message, id: `e-${i}` }))
  await insertDeadLetters(database.pool, letters)
  const stop = new AbortController()

  const first = replay({ onProgress: () => stop.abort(new Error('enough')), signal: stop.signal })
  await expect(first).rejects.toThrow('enough')

  expect(await countDeadLetters(database.pool)).toBe(150)
  expect(await replay()).toMatchObject({ appended: 150 })
})

test('letters that are refused again are passed, however many they are', async () => {
  const letters = Array.from({ length: 250 }, (_, i) => letter(i, 'no json'))
  await insertDeadLetters(database.pool, [...letters, letter(250, { ...message, id: 'last' })])

  expect(await replay()).toMatchObject({ appended: 1, rejected: 250 })
})

test('an item is written unless the catalogue has changed it since', async () => {
  const item = (key: string) => ({ id: key, attributes: { colour: 'red' } })
  const from = { topic: 'items' }
  await upsertItems(database.pool, [{ key: 'before', attributes: {}, isVisible: true }])
  await insertDeadLetters(database.pool, [
    letter(1, item('before'), from),
    letter(2, item('since'), from),
    letter(3, item('never'), { ...from, key: Buffer.from('never') })
  ])
  const newer = { key: 'since', attributes: { colour: 'blue' }, isVisible: true }
  await upsertItems(database.pool, [newer])

  expect(await replay()).toMatchObject({ items: 2, outdated: 1 })
  expect(await readItem(database.pool, 'before')).toMatchObject({ attributes: { colour: 'red' } })
  expect(await readItem(database.pool, 'since')).toMatchObject({ attributes: { colour: 'blue' } })
  expect(await listDeadLetters(database.pool, { limit: 10 })).toMatchObject([{ offset: 2 }])
})

test('of the letters about one item the last one counts, however they are replayed', async () => {
  const state = (offset: number, id: string, colour: string) =>
    letter(offset, { id, attributes: { colour } }, { topic: 'items' })
  const colourOf = async (key: string) => (await readItem(database.pool, key))?.attributes.colour
  await insertDeadLetters(database.pool, [
    state(1, 'at-once', 'red'),
    state(2, 'at-once', 'blue'),
    state(3, 'pages', 'red'),
    state(4, 'changed', 'red'),
    ...Array.from({ length: 120 }, (_, i) => letter(i, 'no json', { topic: 'unknown' })),
    state(5, 'pages', 'blue'),
    state(6, 'changed', 'blue')
  ])
  await insertDeadLetters(database.pool, [state(7, 'later', 'red'), state(8, 'later', 'blue')])
  await database.pool.query(
    `update dead_letters set received_at = received_at + interval '1 second' where message_offset = 8`
  )
  const pool = createPool(database.url, { size: 1 }) // whoever asks first is next
  const green = { key: 'changed', attributes: { colour: 'green' }, isVisible: true }
  let change: Promise<void> | undefined

  const onProgress = () => {
    change ??= upsertItems(pool, [green])
  }
  const first = await replay({ pool, limit: 127, onProgress })
  await change
  await pool.end()
  const second = await replay({ filter: { topic: 'items' } })

  expect(first).toMatchObject({ items: 6, outdated: 1, unknown: 120 })
  expect(second).toMatchObject({ items: 1, outdated: 1 })
  expect(await colourOf('at-once')).toBe('blue')
  expect(await colourOf('pages')).toBe('blue')
  expect(await colourOf('later')).toBe('blue')
  expect(await colourOf('changed')).toBe('green')
})

test('an item that somebody else is just writing is newer than its letter', async () => {
  const red = letter(1, { id: 'x', attributes: { colour: 'red' } }, { topic: 'items' })
  await insertDeadLetters(database.pool, [red])
  const blue = { key: 'x', attributes: { colour: 'blue' }, isVisible: true }
  const isWaited = async () => {
    const { rows } = await database.pool.query(
      `select from pg_locks where locktype = 'advisory' and not granted
       and database = (select oid from pg_database where datname = current_database())`
    )
    return rows.length > 0
  }

  let replayed: ReturnType<typeof replay> | undefined
  await withTransaction(database.pool, async connection => {
    await upsertItems(connection, [blue])
    replayed = replay()
    await vi.waitUntil(isWaited, { timeout: 10_000 })
  })

  expect(await replayed).toMatchObject({ items: 0, outdated: 1 })
  expect(await readItem(database.pool, 'x')).toMatchObject({ attributes: { colour: 'blue' } })
})

test('a letter of a topic that nobody knows is left, unless it is said what it is', async () => {
  await insertDeadLetters(database.pool, [letter(1, { ...message, id: 'e' }, { topic: 'old' })])

  expect(await replay()).toMatchObject({ appended: 0, unknown: 1 })
  expect(await replay({ kindOf: () => 'event' })).toMatchObject({ appended: 1 })
})

test('filters name the letters that meet all of them', async () => {
  await insertDeadLetters(database.pool, [
    letter(1, 'a', { reason: 'time is 100 % wrong' }),
    letter(2, 'bb', { reason: 'time is_wrong' }),
    letter(3, 'ccc', { topic: 'items' })
  ])
  const kept = await summarizeDeadLetters(database.pool, { limit: 10 })
  await database.pool.query(
    `update dead_letters set received_at = '2026-01-01' where message_offset = 1`
  )
  const offsets = async (filter: Parameters<typeof countDeadLetters>[1]) => {
    const found = await summarizeDeadLetters(database.pool, { ...filter, limit: 10 })
    expect(await countDeadLetters(database.pool, filter)).toBe(found.length)
    return found.map(({ offset }) => offset)
  }

  expect(kept.map(({ payloadBytes }) => payloadBytes)).toEqual([1, 2, 3])
  expect(await offsets({ topic: 'items' })).toEqual([3])
  expect(await offsets({ reason: '0 % w' })).toEqual([1])
  expect(await offsets({ reason: 's_w' })).toEqual([2])
  expect(await offsets({ since: new Date('2026-02-01') })).toEqual([2, 3])
  expect(await offsets({ ids: [kept[1]!.id], topic: 'items' })).toEqual([])
  expect(await deleteDeadLetters(database.pool, { ids: [] })).toBe(0)
  expect(await deleteDeadLetters(database.pool, { topic: 'events' })).toBe(2)
})

test('the command lists, shows safely, replays and drops', async () => {
  const run = (...args: string[]) =>
    runNextrie(['dead-letters', ...args], { environment: { DATABASE_URL: database.url } })
  await insertDeadLetters(database.pool, [
    letter(1, '{"id": "\u001b[31m\u202e"', { headers: { trace: [Buffer.from([0xff])] } }),
    letter(2, { ...message, id: 'e-1' })
  ])

  const list = await run('list', '--reason', 'too old')
  const show = await run('show', '1')
  const raw = await run('show', '2', '--raw')
  const replayed = await run('replay', '2')
  const careless = await run('drop')
  const dropped = await run('drop', '--yes')

  expect(list.output).toMatch(/events\/0@1 .*\n.*events\/0@2 .*\n2 of 2 dead letters\n$/)
  expect(show.output).toContain('{"id": "\\u{1b}[31m\\u{202e}"')
  expect(show.output).toContain('header trace: 0xff')
  expect(JSON.parse(raw.output)).toEqual({ ...message, id: 'e-1' })
  expect(replayed.output).toBe('1 events appended\n')
  expect(careless).toMatchObject({
    code: 1,
    faults: expect.stringContaining('would drop 1 dead letters for good')
  })
  expect(dropped.output).toBe('1 dead letters dropped\n')
  expect(await run('show', '9')).toMatchObject({
    code: 1,
    faults: 'nextrie: there is no dead letter 9\n'
  })
}, 60_000)
