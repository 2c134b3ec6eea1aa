import fc from 'fast-check'
import { IsDateTime } from 'typebox/format'
import { describe, expect, test } from 'vitest'
import { checkEvent, decodeEvent } from '#shared/events/decode-event.ts'
import { eventTypes } from '#shared/events/event.ts'

const farFuture = { nowMs: Date.UTC(2100, 0) }

const click = {
  id: 'e-1',
  type: 'click',
  time: '2026-03-01T09:30:00.123Z',
  session: 's-1',
  item: 'A13'
}

describe('an event is decoded', () => {
  test('with the fields it has, and without those it has not', () => {
    const decoded = decodeEvent(bytes(click))

    expect(decoded).toEqual({
      event: {
        id: 'e-1',
        type: 'click',
        occurredAt: new Date('2026-03-01T09:30:00.123Z'),
        sessionId: 's-1',
        itemKey: 'A13',
        properties: {}
      }
    })
  })

  test('and everything that is not a field of its own is kept as it was sent', () => {
    const rest = {
      position: 3,
      value: 19.9,
      recommendation_id: 'r-7',
      context: { page: 'home', nested: [1, { deep: null }] },
      campaign: 'spring',
      item_id: 5
    }

    const decoded = decodeEvent(bytes({ ...click, visitor: 'v-1', ...rest }))

    expect(decoded).toMatchObject({ event: { visitorId: 'v-1', properties: rest } })
  })

  test('with the largest whole numbers that doubles hold, and fractions however small', () => {
    const value = { most: Number.MAX_SAFE_INTEGER, least: Number.MIN_SAFE_INTEGER, tiny: 5e-324 }

    expect(decodeEvent(bytes({ ...click, context: value }))).toMatchObject({
      event: { properties: { context: value } }
    })
  })

  test('from a time with an offset, to the millisecond', () => {
    const decoded = decodeEvent(bytes({ ...click, time: '2026-03-01T09:30:00.123987+02:00' }))

    expect(decoded).toMatchObject({
      event: { occurredAt: new Date('2026-03-01T07:30:00.123Z') }
    })
  })

  test('when it is an impression, which lists the items it showed', () => {
    const { item: _, ...shown } = { ...click, type: 'impression', items: ['A1', 'A2'] }

    const decoded = decodeEvent(bytes(shown))

    expect(decoded).toMatchObject({ event: { properties: { items: ['A1', 'A2'] } } })
    expect(decoded).not.toHaveProperty('event.itemKey')
  })
})

describe('a rejection names the field and what it must be', () => {
  test.each([
    [{ ...click, id: undefined }, 'id', 'id is missing: it must be a text of 1 to 200 characters'],
    [{ ...click, id: '' }, 'id', 'id is "": it must be a text of 1 to 200 characters'],
    [{ ...click, id: 'x'.repeat(201) }, 'id', 'id is "xxx'],
    [{ ...click, type: 'klick' }, 'type', 'type is "klick": it must be one of view, click, cart'],
    [{ ...click, time: 'yesterday' }, 'time', 'time is "yesterday": it must be a time since 1970'],
    [{ ...click, time: 1772357400 }, 'time', 'time is 1772357400: it must be a time since 1970'],
    [{ ...click, time: '2026-02-30T00:00:00Z' }, 'time', 'it must be a time since 1970'],
    [{ ...click, time: '1969-12-31T23:59:59Z' }, 'time', 'it must be a time since 1970'],
    [{ ...click, time: '2016-12-31T23:59:60Z' }, 'time', 'it must be a time since 1970'],
    [{ ...click, session: 7 }, 'session', 'session is 7: it must be a text'],
    [{ ...click, item: undefined }, 'item', 'item is missing: a click names its item'],
    [{ ...click, type: 'impression' }, 'items', 'items is missing: an impression lists'],
    [{ ...click, items: ['a', 1] }, 'items', 'it must be the keys of the items'],
    [{ ...click, position: -1 }, 'position', 'it must be the place in the list shown'],
    [{ ...click, context: 'home' }, 'context', 'it must be an object']
  ])('%j', (message, field, reason) => {
    const decoded = decodeEvent(bytes(message))

    expect(decoded).toMatchObject({ field, rejected: expect.stringContaining(reason) })
  })

  test('and several fields at once', () => {
    const decoded = decodeEvent(bytes({ type: 'click', item: 'A13', time: click.time }))

    expect(decoded).toMatchObject({
      rejected: expect.stringMatching(/^id is missing: .*; session is missing: /)
    })
  })

  test('on one line, however wild the value', () => {
    const decoded = decodeEvent(bytes({ ...click, type: `a\n\t${'\u{1F600}'.repeat(500)}` }))

    expect(decoded).toMatchObject({ rejected: expect.stringMatching(/^[^\n\t]{1,250}$/) })
  })
})

describe('a message is rejected', () => {
  test.each([
    ['when it is empty', null, 'the message is empty'],
    ['when it is no text', Buffer.from([0xff, 0xfe, 0x00]), 'not UTF-8 text'],
    ['when it is no JSON', Buffer.from('{"id": '), 'not JSON'],
    ['when it is a list', Buffer.from('[1, 2]'), 'must be a JSON object'],
    ['when it is nothing', Buffer.from('null'), 'must be a JSON object']
  ])('%s', (_, message, reason) => {
    expect(decodeEvent(message)).toEqual({ rejected: expect.stringContaining(reason) })
  })

  test.each([
    ['a NUL character', '"a\\u0000b"', 'NUL'],
    ['half of a surrogate pair', '"\\ud83d"', 'surrogate'],
    ['a number that no double holds', '1e999', 'send it as a text'],
    ['a whole number that a double changes', '12345678901234567890', 'send it as a text'],
    ['the first whole number that may have changed', '-9007199254740992', '2^53']
  ])('when the log could not keep it as it is: %s', (_, json, reason) => {
    const text = JSON.stringify({ ...click, context: { note: '?' } }).replace('"?"', json)

    expect(decodeEvent(Buffer.from(text))).toEqual({
      rejected: expect.stringContaining(reason),
      field: 'context'
    })
  })

  test('when it is nested a hundred thousand levels deep', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const text = `{"id":"1","x":${deep}}`

    expect(decodeEvent(Buffer.from(text))).toEqual({
      rejected: expect.stringContaining('levels'),
      field: 'x'
    })
  })
})

describe('the clock', () => {
  const nowMs = Date.parse('2026-03-01T09:30:00Z')
  const at = (time: string) => decodeEvent(bytes({ ...click, time }), {}, { nowMs })

  test('is accepted in whatever form RFC 3339 allows, and in no other', () => {
    const two = (most: number) => fc.nat(most).map(number => String(number).padStart(2, '0'))
    const parts = fc.tuple(two(13), two(32), two(25), two(61), two(61))
    const ends = fc.constantFrom('Z', '.5Z', '.123456Z', 'z', '+01:00', '.Z', '', 'Z ', '\nZ')
    fc.assert(
      fc.property(parts, ends, fc.constantFrom('T', 't', ' '), ([mm, dd, h, m, s], end, t) => {
        const time = `2024-${mm}-${dd}${t}${h}:${m}:${s}${end}`
        const isTime = IsDateTime(time) && !Number.isNaN(Date.parse(time))
        const isAccepted = 'event' in decodeEvent(bytes({ ...click, time }), {}, farFuture)
        expect([time, isAccepted]).toEqual([time, isTime])
      }),
      { numRuns: 2000 }
    )
  })

  test('of a producer may be a day ahead of ours, and no more', () => {
    expect(at('2026-03-02T09:30:00.000Z')).toHaveProperty('event')
    expect(at('2026-03-02T09:30:00.001Z')).toEqual({
      field: 'time',
      rejected: expect.stringContaining('more than 24 hours ahead of our clock')
    })
  })

  test('of a producer may be late by any time', () => {
    expect(at('1970-01-01T00:00:00Z')).toHaveProperty('event')
  })

  test('is ours unless told otherwise', () => {
    const inTwoDays = new Date(Date.now() + 2 * 24 * 3_600_000).toISOString()

    expect(checkEvent({ ...click, time: inTwoDays })).toHaveProperty('rejected')
    expect(checkEvent({ ...click, time: new Date().toISOString() })).toHaveProperty('event')
  })
})

describe('the version of the contract', () => {
  test('may be named, and is kept', () => {
    expect(checkEvent({ ...click, schema_version: 1 })).toMatchObject({
      event: { properties: { schema_version: 1 } }
    })
  })

  test('from the future is refused as such, whatever else the message says', () => {
    expect(checkEvent({ schema_version: 2, kind: 'hover' })).toEqual({
      field: 'schema_version',
      rejected: expect.stringContaining('knows up to 1: upgrade it, then replay')
    })
  })

  test.each(['1', 0, 1.5])('%j is no version', version => {
    expect(checkEvent({ ...click, schema_version: version })).toMatchObject({
      field: 'schema_version',
      rejected: expect.stringContaining('it must be the whole number of the contract')
    })
  })
})

test('a request body is checked like a message', () => {
  expect(checkEvent(click)).toEqual(decodeEvent(bytes(click)))
  expect(checkEvent([click])).toMatchObject({ rejected: expect.stringContaining('JSON object') })
  expect(checkEvent({ ...click, note: '\0' })).toMatchObject({
    rejected: expect.stringContaining('NUL')
  })
})

test('any bytes are either an event or a reason, never an exception', () => {
  const message = fc.oneof(
    fc.uint8Array(),
    fc.json().map(json => Buffer.from(json)),
    fc
      .record(
        {
          id: fc.string({ unit: 'binary' }),
          type: fc.constantFrom(...eventTypes, 'other'),
          time: fc.constantFrom(click.time, 'x'),
          session: fc.string({ unit: 'binary' }),
          item: fc.string(),
          more: fc.jsonValue()
        },
        { requiredKeys: [] }
      )
      .map(bytes)
  )

  fc.assert(
    fc.property(message, sent => {
      const decoded = decodeEvent(sent)
      expect('event' in decoded || decoded.rejected.length > 0).toBe(true)
    })
  )
})

function bytes(message: unknown): Buffer {
  return Buffer.from(JSON.stringify(message))
}
