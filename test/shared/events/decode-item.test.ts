import { describe, expect, test } from 'vitest'
import { checkItem, decodeItem } from '#shared/events/decode-item.ts'

const dress = {
  id: 'A13',
  attributes: { title: 'Dress', price: 38, sale: false, categories: ['women', 'dresses'] }
}

test('an item is described by its attributes and visible unless it says otherwise', () => {
  expect(decode(dress)).toEqual({
    item: { key: 'A13', attributes: dress.attributes, isVisible: true }
  })
  expect(decode({ ...dress, visible: false })).toMatchObject({ item: { isVisible: false } })
})

test('every other field is kept as it was sent, beside the attributes', () => {
  const more = { schema_version: 1, margin: 3, supplier: { ids: [7, null] } }

  expect(decode({ ...dress, ...more })).toEqual({
    item: { key: 'A13', attributes: dress.attributes, isVisible: true, properties: more }
  })
})

test('a message without a value removes the item of its key', () => {
  expect(decodeItem({ key: Buffer.from('A13'), value: null })).toEqual({ removedKey: 'A13' })
})

describe('a message is rejected', () => {
  test.each([
    [{ attributes: {} }, 'id', 'id is missing'],
    [{ id: 'A13' }, 'attributes', 'attributes is missing: it must be an object whose values'],
    [{ id: 'A13', attributes: { sizes: [1, 2] } }, 'attributes', 'lists of texts'],
    [{ id: 'A13', attributes: { colour: null } }, 'attributes', 'lists of texts'],
    [{ ...dress, visible: 'no' }, 'visible', 'visible is "no": it must be true']
  ])('that does not describe an item: %j', (message, field, reason) => {
    expect(decode(message)).toMatchObject({ field, rejected: expect.stringContaining(reason) })
  })

  test('that has a number which may have changed already', () => {
    expect(decode({ id: 'A13', attributes: { order: 2 ** 53 } })).toEqual({
      field: 'attributes',
      rejected: expect.stringContaining('send it as a text')
    })
  })

  test.each([
    ['without a value and a key', { key: null, value: null }, 'it has no key'],
    ['whose key is no text', { key: Buffer.from([0xff]), value: null }, 'not UTF-8'],
    ['whose key no item can have', { key: Buffer.from('a\0'), value: null }, 'NUL'],
    ['whose key is another', { key: Buffer.from('A14'), value: bytes(dress) }, 'key is "A14"']
  ])('%s', (_, record, reason) => {
    expect(decodeItem(record)).toMatchObject({ rejected: expect.stringContaining(reason) })
  })
})

test('a request body is checked like a message', () => {
  expect(checkItem(dress)).toEqual(decode(dress))
  expect(checkItem('A13')).toMatchObject({ rejected: expect.stringContaining('JSON object') })
})

function decode(message: unknown) {
  return decodeItem({ key: Buffer.from('A13'), value: bytes(message) })
}

function bytes(message: unknown): Buffer {
  return Buffer.from(JSON.stringify(message))
}
