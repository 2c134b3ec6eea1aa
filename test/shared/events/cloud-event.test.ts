import { describe, expect, test } from 'vitest'
import { decodeEvent } from '#shared/events/decode-event.ts'
import { checkItem, decodeItem } from '#shared/events/decode-item.ts'

const envelope = {
  specversion: '1.0',
  id: '42',
  source: '/shop/web',
  type: 'com.example.shop.view',
  time: '2026-03-01T09:30:00Z',
  traceparent: '00-4bf9'
}
const data = { session: 's-1', item: 'A13' }

describe('a structured CloudEvent', () => {
  test('fills in id, time and type, and its envelope is kept', () => {
    const decoded = decodeEvent(bytes({ ...envelope, data }))

    expect(decoded).toEqual({
      event: {
        id: '/shop/web/42',
        type: 'view',
        occurredAt: new Date('2026-03-01T09:30:00Z'),
        sessionId: 's-1',
        itemKey: 'A13',
        properties: { cloudevent: envelope }
      }
    })
  })

  test('gives way to what the event says itself', () => {
    const decoded = decodeEvent(bytes({ ...envelope, data: { ...data, id: 'e-1', type: 'cart' } }))

    expect(decoded).toMatchObject({ event: { id: 'e-1', type: 'cart' } })
  })

  test.each([
    [{ ...envelope }, 'data of the CloudEvent must be a JSON object'],
    [{ ...envelope, data: 'text' }, 'data of the CloudEvent must be a JSON object'],
    [{ ...envelope, specversion: '0.3', data }, 'specversion of the CloudEvent must be 1.0'],
    [{ ...envelope, type: 'com.example.shop.seen', data }, 'type is "seen"']
  ])('is rejected with a reason when it is wrong: %j', (message, reason) => {
    expect(decodeEvent(bytes(message))).toMatchObject({
      rejected: expect.stringContaining(reason)
    })
  })
})

describe('a binary CloudEvent', () => {
  test('has the same envelope in its headers', () => {
    const headers = Object.entries(envelope).map(([name, value]) => [
      `ce_${name}`,
      Buffer.from(value)
    ])

    const decoded = decodeEvent(bytes(data), {
      ...Object.fromEntries(headers),
      'content-type': Buffer.from('application/json')
    })

    expect(decoded).toEqual(decodeEvent(bytes({ ...envelope, data })))
  })

  test.each([
    ['is no UTF-8', { ce_specversion: '1.0', ce_id: Buffer.from([0xff]) }, 'header "ce_id"'],
    [
      'has a name that is no text for Postgres and a value that is none at all',
      { ce_specversion: '1.0', 'ce_a\0b': Buffer.from([0xff]) },
      String.raw`header "ce_a\u0000b" is not UTF-8 text`
    ],
    ['has a NUL character', { ce_specversion: '1.0', ce_id: 'a\0b', ce_source: '/' }, 'NUL']
  ])('is rejected when a header %s', (_, headers, reason) => {
    expect(decodeEvent(bytes(data), headers)).toMatchObject({
      rejected: expect.stringContaining(reason)
    })
  })
})

describe('an item in a CloudEvent', () => {
  const item = { id: 'A13', attributes: { colour: 'blue' }, margin: 3 }

  test('is what its data says, and its envelope is kept', () => {
    const decoded = decodeItem({ key: null, value: bytes({ ...envelope, data: item }) })

    expect(decoded).toEqual({
      item: {
        key: 'A13',
        attributes: { colour: 'blue' },
        isVisible: true,
        properties: { margin: 3, cloudevent: envelope }
      }
    })
    expect(checkItem({ ...envelope, data: item })).toEqual(decoded)
  })

  test('may have the envelope in its headers, which are checked as all else is', () => {
    const headers = Object.fromEntries(Object.entries(envelope).map(([k, v]) => [`ce_${k}`, v]))
    const record = { key: null, value: bytes(item), headers }

    expect(decodeItem(record)).toEqual(checkItem({ ...envelope, data: item }))
    expect(decodeItem({ ...record, headers: { ...headers, ce_id: 'a\0' } })).toMatchObject({
      rejected: expect.stringContaining('NUL')
    })
  })
})

function bytes(message: unknown): Buffer {
  return Buffer.from(JSON.stringify(message))
}
