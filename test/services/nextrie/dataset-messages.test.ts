import { describe, expect, test } from 'vitest'
import { eventMessage, itemMessage } from '#services/nextrie/dataset-messages.ts'

describe('a row of interactions', () => {
  test('with a date lies as many seconds after its midnight as its place in the session says', () => {
    const row = {
      user_or_session: '7',
      item: 'A13',
      timestamp_or_position: '3',
      date: '2008-04-01',
      country: '29'
    }

    expect(eventMessage('shop', row, 0)).toEqual({
      message: {
        id: 'shop:7:3',
        type: 'click',
        time: '2008-04-01T00:00:03.000Z',
        session: '7',
        item: 'A13',
        context: { country: '29' }
      }
    })
  })

  test('with seconds since the first act counts them from the year 2000', () => {
    const row = {
      user_or_session: '7',
      item: 'B1',
      timestamp_or_position: '2',
      rel_seconds: '86400'
    }

    expect(eventMessage('beauty', row, 4)).toMatchObject({
      message: { time: '2000-01-02T00:00:02.000Z' }
    })
  })

  test('without any time starts its session two minutes after the session before it', () => {
    const row = { user_or_session: '7', item: '12', timestamp_or_position: '1', split: 'train' }

    expect(eventMessage('diginetica', row, 30)).toMatchObject({
      message: { time: '2000-01-01T01:00:01.000Z', context: { split: 'train' } }
    })
  })

  test.each([
    ['timestamp_or_position', 'third', 'it must be a whole number'],
    ['timestamp_or_position', '-1', 'it must be a whole number'],
    ['date', '1 April 2008', 'it must be a day'],
    ['date', '2008-13-01', 'it must be a day'],
    ['rel_seconds', '1.5', 'it must be a whole number']
  ])('whose %s is %s is rejected: %s', (column, value, reason) => {
    const row = { user_or_session: '7', item: 'A13', timestamp_or_position: '1', [column]: value }

    const meaning = eventMessage('shop', row, 0)

    expect(meaning).toEqual({
      rejected: expect.stringContaining(`${column} is "${value}": ${reason}`)
    })
  })
})

describe('a line of items', () => {
  test('becomes an item whose pairs of name and value are attributes of their own', () => {
    const line =
      '{"item":"A1","categories":["trousers"],"price":28,"attributes":["colour:navy blue","page:1"]}'

    expect(itemMessage(line)).toEqual({
      message: {
        id: 'A1',
        attributes: { categories: ['trousers'], price: 28, colour: 'navy blue', page: '1' }
      }
    })
  })

  test('keeps labels that are no pairs as a list', () => {
    expect(itemMessage('{"item":"B1","attributes":["OPI","Nail Polish: red"]}')).toEqual({
      message: { id: 'B1', attributes: { attributes: ['OPI', 'Nail Polish: red'] } }
    })
  })

  test('turns each of several category paths into one label', () => {
    expect(itemMessage('{"item":"B1","category_paths":[["Men","Socks"],["Sale"]]}')).toEqual({
      message: { id: 'B1', attributes: { category_paths: ['Men > Socks', 'Sale'] } }
    })
  })

  test('loses its number, which would tell the order of the first events', () => {
    expect(itemMessage('{"item":"B1","index":1}')).toEqual({
      message: { id: 'B1', attributes: {} }
    })
  })

  test.each([
    ['{"item":', 'it is not JSON'],
    ['[1]', 'it is not a JSON object']
  ])('%s is rejected: %s', (line, reason) => {
    expect(itemMessage(line)).toEqual({ rejected: expect.stringContaining(reason) })
  })
})
