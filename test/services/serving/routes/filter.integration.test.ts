// Filters and similar items through the whole of serving: a release, its threads, Postgres, HTTP.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { upsertItems } from '#shared/catalog/write-items.ts'
import { smallModel } from '#test/support/small-release.ts'
import { type ServedRelease, serveRelease } from '../served-release.ts'

const itemKeys = Array.from({ length: 300 }, (_, i) => `item ${i}`)
/** Every hundredth is rare, and prices are the items' numbers. */
const attributesOf = (i: number) => ({ brand: i % 100 === 7 ? 'rare' : 'common', price: i })

let served: ServedRelease
let url: string
beforeAll(async () => {
  const items = itemKeys.map((key, i) => ({ key, attributes: attributesOf(i), isVisible: true }))
  served = await serveRelease({ trained: smallModel(itemKeys), items, threads: 2 })
  url = await served.listen()
}, 60_000)
afterAll(() => served.close())

interface Answer {
  readonly items: { readonly item: string; readonly score: number; readonly source: string }[]
  readonly errors?: { readonly field: string; readonly message: string }[]
  readonly code?: string
}

async function answerOf(response: Response) {
  const body = (await response.json()) as Answer
  return { status: response.status, body, keys: body.items?.map(({ item }) => item) }
}

async function recommend(question: object) {
  const headers = { 'content-type': 'application/json' }
  const body = JSON.stringify(question)
  return answerOf(await fetch(`${url}/v1/recommendations`, { method: 'POST', headers, body }))
}

async function similar(key: string, query: Record<string, string> = {}) {
  const path = `${url}/v1/items/${encodeURIComponent(key)}/similar`
  return answerOf(await fetch(`${path}?${new URLSearchParams(query)}`))
}

const hide = (key: string, isVisible: boolean) =>
  served.app.inject({
    method: 'PUT',
    url: `/v1/items/${encodeURIComponent(key)}`,
    payload: { attributes: attributesOf(itemKeys.indexOf(key)), visible: isVisible }
  })

const rare = { attribute: 'brand', equals: 'rare' }

describe('a filter', () => {
  test.each([
    ['a session', ['item 1', 'item 2']],
    ['an empty session', []]
  ])('lets through all that pass, of which there are few, for %s', async (_, items) => {
    const { status, keys } = await recommend({ items, n: 50, filter: rare })

    expect(status).toBe(200)
    expect(keys.toSorted()).toEqual(['item 107', 'item 207', 'item 7'])
  })

  test('gives as many as are wanted where that many pass', async () => {
    const filter = { and: [{ attribute: 'price', min: 100, max: 120 }, { not: rare }] }
    const { keys } = await recommend({ items: ['item 1'], n: 20, filter })

    const expected = itemKeys.slice(100, 121).filter(key => key !== 'item 107')
    expect(keys.toSorted()).toEqual(expected.toSorted())
  })

  test('goes together with what is excluded and what is hidden', async () => {
    await hide('item 107', false)
    const hidden = await recommend({ items: ['item 1'], filter: rare, exclude: ['item 7'] })
    await hide('item 107', true)

    expect(hidden.keys).toEqual(['item 207'])
  })

  test('follows the catalogue', async () => {
    const filter = { attribute: 'brand', equals: 'changing' }
    const before = await recommend({ items: ['item 1'], filter })
    const change = async (brand: string) => {
      await upsertItems(served.database.pool, [
        { key: 'item 33', attributes: { brand }, isVisible: true }
      ])
      await served.release.refreshItems()
    }
    await change('changing')

    expect(before.keys).toEqual([])
    await expect
      .poll(async () => (await recommend({ items: ['item 1'], filter })).keys, { timeout: 10_000 })
      .toEqual(['item 33'])
    await change('common')
    await expect
      .poll(async () => (await recommend({ items: ['item 1'], filter })).keys, { timeout: 10_000 })
      .toEqual([])
  })

  test('on an unknown attribute is refused with the names that there are', async () => {
    const { status, body } = await recommend({
      items: ['item 1'],
      filter: { or: [rare, { attribute: 'colour', equals: 'red' }] }
    })

    expect(status).toBe(400)
    expect(body.errors).toEqual([
      {
        field: 'filter.or[1].attribute',
        message: expect.stringContaining('there are brand, price')
      }
    ])
  })

  test.each([
    ['filter', { filter: {} }],
    ['filter', { filter: 'red' }],
    ['filter.colour', { filter: { colour: 'red' } }],
    ['filter.min', { filter: { attribute: 'price', min: '5' } }],
    ['filter.and', { filter: { and: [] } }],
    ['filter.not.equals', { filter: { not: { attribute: 'price', equals: null } } }],
    ['min_score', { min_score: 2 }]
  ])('is refused for its field %s', async (field, question) => {
    const { status, body } = await recommend({ items: [], ...question })

    expect(status).toBe(400)
    expect(body.errors?.map(fault => fault.field)).toEqual([field])
  })
})

test('items below min_score are left out', async () => {
  const all = await recommend({ items: ['item 1'], n: 10 })
  const least = all.body.items[4]!.score

  const { body } = await recommend({ items: ['item 1'], n: 10, min_score: least })

  expect(body.items).toEqual(all.body.items.slice(0, 5))
})

describe('similar items', () => {
  test('are never the item itself, nor hidden, nor twice the same', async () => {
    const all = await similar('item 5', { n: '100' })
    await hide(all.keys[0]!, false)
    const without = await similar('item 5', { n: '100' })
    await hide(all.keys[0]!, true)

    expect(all.status).toBe(200)
    expect(new Set([...all.keys, 'item 5']).size).toBe(101)
    expect(without.keys).not.toContain(all.keys[0])
    expect(new Set([...without.keys, 'item 5']).size).toBe(101)
  })

  test('obey a filter', async () => {
    const { keys } = await similar('item 7', { n: '10', filter: JSON.stringify(rare) })

    expect(keys.toSorted()).toEqual(['item 107', 'item 207'])
  })

  test('that score less than min_score are left out', async () => {
    const all = await similar('item 5', { n: '10' })
    const least = all.body.items[3]!.score

    const { body } = await similar('item 5', { n: '10', min_score: least.toFixed(9) })
    const none = await similar('item 5', { min_score: '1' })
    const everything = await similar('item 5', { n: '10', min_score: '-1.0' })

    const nearly = all.body.items.filter(({ score }) => score >= Number(least.toFixed(9)))
    expect(body.items).toEqual(nearly)
    expect([3, 4]).toContain(nearly.length)
    expect(none.keys).toEqual([])
    expect(everything.keys).toEqual(all.keys)
  })

  test('of an item that the release does not have are not found', async () => {
    const { status, body } = await similar('gone')

    expect(status).toBe(404)
    expect(body.code).toBe('ITEM_NOT_FOUND')
  })

  test.each([
    ['n', { n: '0' }],
    ['filter', { filter: '{' }],
    ['filter.attribute', { filter: '{"attribute":"colour","equals":"red"}' }],
    ['filter.colour', { filter: '{"colour":"red"}' }],
    ['min_score', { min_score: '1.5' }],
    ['min_score', { min_score: 'high' }],
    ['page', { page: '2' }]
  ])('are refused for the field %s', async (field, query) => {
    const { status, body } = await similar('item 5', query as Record<string, string>)

    expect(status).toBe(400)
    expect(body.errors?.map(fault => fault.field)).toEqual([field])
  })
})
