import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  type DeadLetter,
  insertDeadLetters,
  listDeadLetters
} from '#shared/eventlog/dead-letters.ts'
import { decodeEvent } from '#shared/events/decode-event.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

const letter: DeadLetter = {
  topic: 'events',
  partition: 1,
  offset: 7,
  key: Buffer.from([0, 255]),
  payload: Buffer.from([0xff, 0x00, 0x7b]),
  headers: { trace: [Buffer.from([0, 1]), Buffer.alloc(0), null], ce_id: [Buffer.from('4')] },
  reason: 'the message is not UTF-8 text'
}

test('a dead letter keeps key, payload and headers byte by byte', async () => {
  const empty: DeadLetter = { ...letter, offset: 8, key: null, payload: null, headers: {} }
  await insertDeadLetters(database.pool, [letter, empty])

  const kept = await listDeadLetters(database.pool, { limit: 10 })

  expect(kept).toMatchObject([letter, empty])
  expect(await listDeadLetters(database.pool, { after: kept[0]!.id, limit: 10 })).toHaveLength(1)
})

test('a message is kept once, however often it is read', async () => {
  const again = { ...letter, offset: 9 }

  await insertDeadLetters(database.pool, [again, again])
  await insertDeadLetters(database.pool, [again])

  const kept = await listDeadLetters(database.pool, { limit: 10 })
  expect(kept.filter(each => each.offset === 9)).toHaveLength(1)
})

test('a header with a NUL in its name, which jsonb refuses, shows it as a picture', async () => {
  await insertDeadLetters(database.pool, [{ ...letter, offset: 10, headers: { 'a\0': [null] } }])

  const kept = await listDeadLetters(database.pool, { limit: 10 })
  expect(kept.at(-1)!.headers).toEqual({ 'a\u2400': [null] })
})

test('whatever a message has in it, it can be kept as a dead letter with its reason', async () => {
  const text = fc.string({ unit: 'binary' })
  const bytes = fc.uint8Array().map(each => Buffer.from(each))
  const headers = fc.dictionary(
    text.map(name => `ce_${name}\0`),
    fc.array(fc.option(bytes))
  )
  const made = fc.array(fc.record({ reason: text, headers, payload: bytes, key: bytes }))
  const letters = fc
    .sample(made, { numRuns: 50, seed: 1 })
    .flat()
    .map((each, index) => {
      const decoded = decodeEvent(Buffer.from('{}'), {
        ce_specversion: '1.0',
        ...toMessageHeaders(each.headers)
      })
      const reason = (decoded as { rejected: string }).rejected
      return {
        ...letter,
        ...each,
        topic: 'any',
        offset: index,
        reason: `${reason}\0${each.reason}`
      }
    })

  await insertDeadLetters(database.pool, letters)

  const kept = await listDeadLetters(database.pool, { topic: 'any', limit: letters.length + 1 })
  const pictured = (name: string) => name.replaceAll('\0', '\u2400')
  expect(kept.map(each => each.reason)).toEqual(letters.map(each => pictured(each.reason)))
  expect(kept.map(each => Object.keys(each.headers).sort())).toEqual(
    letters.map(each => [...new Set(Object.keys(each.headers).map(pictured))].sort())
  )
})

/** The last value of each header, as it counts. */
function toMessageHeaders(headers: DeadLetter['headers']): Record<string, Buffer> {
  const last = Object.entries(headers).map(([name, values]) => [name, values.at(-1) ?? Buffer.of()])
  return Object.fromEntries(last)
}
