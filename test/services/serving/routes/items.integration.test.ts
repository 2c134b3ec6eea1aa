import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ServingApp, startServing } from '../serving-app.ts'

let serving: ServingApp
beforeAll(async () => {
  serving = await startServing()
})
afterAll(() => serving.close())

async function get(url: string) {
  const response = await serving.app.inject({ method: 'GET', url })
  return { status: response.statusCode, body: response.json() }
}

async function put(id: string, payload: object | string) {
  const url = `/v1/items/${encodeURIComponent(id)}`
  const headers = { 'content-type': 'application/json' }
  const response = await serving.app.inject({ method: 'PUT', url, headers, payload })
  return { status: response.statusCode, body: response.json() }
}

describe('the list of items', () => {
  test('comes in pages that lead to one another', async () => {
    const first = await get('/v1/items?limit=4')
    const second = await get(`/v1/items?limit=4&after=${first.body.next}`)

    const ids = [...first.body.items, ...second.body.items].map(item => item.id)
    expect(ids.slice(0, 6)).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
    expect(first.body.next).toBe('d')
    expect(second.body.next).toBeUndefined()
  })

  test.each([
    ['limit', 'limit=0'],
    ['limit', 'limit=1001'],
    ['limit', 'limit=1e2'],
    ['limit', 'limit=5&limit=6'],
    ['after', 'after='],
    ['page', 'page=2']
  ])('is refused for its field %s', async (field, query) => {
    const { status, body } = await get(`/v1/items?${query}`)

    expect(status).toBe(400)
    expect(body.errors).toMatchObject([{ field }])
  })
})

describe('one item', () => {
  test('is read as it was written, under any key', async () => {
    const id = 'Größe 1/2 "x" 100%'
    const attributes = {
      title: 'Tee',
      price: 5,
      sale: true,
      categories: ['tops', 'tees'],
      code: '7'
    }

    const written = await put(id, { attributes })
    const read = await get(`/v1/items/${encodeURIComponent(id)}`)

    expect(written).toEqual({ status: 200, body: { id, attributes, visible: true } })
    expect(read).toEqual(written)
  })

  test('that does not exist is a problem', async () => {
    const { status, body } = await get('/v1/items/nothing')

    expect(status).toBe(404)
    expect(body).toMatchObject({ code: 'ITEM_NOT_FOUND', detail: 'there is no item "nothing"' })
  })

  test('keeps and gives back what it does not know', async () => {
    const more = { margin: 3, supplier: { ids: [7, null] } }

    const written = await put('more', { attributes: {}, ...more })
    const page = await get('/v1/items?after=mord&limit=1')

    expect(written.body).toEqual({ id: 'more', attributes: {}, visible: true, ...more })
    expect(await get('/v1/items/more')).toEqual(written)
    expect(page.body.items).toEqual([written.body])
    expect(await put('more', written.body)).toEqual(written)
  })

  test('can be sent back as it was read', async () => {
    const read = await get('/v1/items/a')

    expect(await put('a', read.body)).toEqual(read)
  })

  test('that is hidden leaves the answers at once, and returns when it is shown again', async () => {
    await put('b', { attributes: {}, visible: false })
    const hidden = await recommendAfter('a')
    await put('b', { attributes: {} })
    const shown = await recommendAfter('a')

    expect(hidden).toBe('c')
    expect(shown).toBe('b')
  })

  test.each([
    ['attributes', { visible: true }],
    ['attributes', { attributes: { size: null } }],
    ['visible', { attributes: {}, visible: 'no' }],
    ['id', { id: 'b', attributes: {} }],
    ['body', '[]'],
    ['body', '"text"']
  ])('is refused for its field %s', async (field, payload) => {
    const { status, body } = await put('a', payload)

    expect(status).toBe(400)
    expect(body.errors).toMatchObject([{ field }])
  })

  test('with a key of more than 200 characters is refused', async () => {
    const { status, body } = await put('ü'.repeat(201), { attributes: {} })

    expect(status).toBe(400)
    expect(body.errors).toMatchObject([{ field: 'id' }])
  })
})

async function recommendAfter(item: string): Promise<string> {
  const response = await serving.app.inject({
    method: 'POST',
    url: '/v1/recommendations',
    payload: { items: [item], n: 1 }
  })
  return response.json().items[0].item
}
