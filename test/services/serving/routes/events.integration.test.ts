import { afterAll, beforeAll, expect, test } from 'vitest'
import { readSessionTail } from '#shared/eventlog/session-tails.ts'
import { type ServingApp, startServing } from '../serving-app.ts'

let serving: ServingApp
beforeAll(async () => {
  serving = await startServing()
})
afterAll(() => serving.close())

async function send(payload: object) {
  const response = await serving.app.inject({ method: 'POST', url: '/v1/events', payload })
  return { status: response.statusCode, body: response.json() }
}

function clickOf(id: string, session = 's1') {
  return { id, type: 'click', time: '2026-03-01T09:30:00Z', session, item: 'a' }
}

test('an event is in the log when the answer comes', async () => {
  const { status, body } = await send(clickOf('e1', 'one'))

  expect(status).toBe(200)
  expect(body).toEqual({
    accepted: 1,
    appended: 1,
    duplicates: 0,
    rejected: 0,
    results: [{ status: 'accepted' }]
  })
  expect(await readSessionTail(serving.database.pool, 'one')).toMatchObject({
    events: [{ id: 'e1', itemKey: 'a' }]
  })
})

test('an event that is sent again is a duplicate and not appended', async () => {
  await send(clickOf('twice'))
  const { body } = await send([clickOf('twice'), clickOf('thrice'), clickOf('thrice')])

  expect(body).toMatchObject({ appended: 1, duplicates: 2, rejected: 0 })
})

test('a faulty event is rejected with its field and reason, its neighbours are accepted', async () => {
  const { status, body } = await send([clickOf('n1'), { ...clickOf('n2'), time: 'noon' }])

  expect(status).toBe(200)
  expect(body).toMatchObject({ appended: 1, rejected: 1 })
  expect(body.results).toEqual([
    { status: 'accepted' },
    { status: 'rejected', field: 'time', reason: expect.stringContaining('"noon"') }
  ])
})

test('a lone faulty event is a problem that names the field', async () => {
  const { item: _, ...withoutItem } = clickOf('lone')
  const { status, body } = await send(withoutItem)

  expect(status).toBe(400)
  expect(body).toMatchObject({ code: 'REQUEST_INVALID', errors: [{ field: 'item' }] })
  expect(body.detail).toBe('item is missing: a click names its item')
})

test('faulty events only are a problem that names the place of each', async () => {
  const { status, body } = await send([{ ...clickOf('x'), type: 'look' }, 7])

  expect(status).toBe(400)
  expect(body.errors).toMatchObject([{ field: '[0].type' }, { field: '[1]' }])
})

test.each([0, 1001])('%i events at once are refused', async count => {
  const { status, body } = await send(Array.from({ length: count }, (_, i) => clickOf(`many${i}`)))

  expect(status).toBe(400)
  expect(body.errors).toMatchObject([{ field: 'body' }])
})

test('a text that Postgres cannot keep is the sender’s fault', async () => {
  const { status, body } = await send({ ...clickOf('nul'), note: 'a\u0000b' })

  expect(status).toBe(400)
  expect(body.detail).toMatch('NUL')
})

test('an event that is larger than is taken is rejected, its neighbours are accepted', async () => {
  const huge = { ...clickOf('huge'), note: 'x'.repeat(300_000) }
  const { status, body } = await send([huge, clickOf('small')])

  expect(status).toBe(200)
  expect(body).toMatchObject({ accepted: 1, appended: 1, rejected: 1 })
  expect(body.results[0].reason).toMatch(/^the event has 300\d\d\d bytes: 262144 are taken/)
})

test('an event more than a day ahead of our clock is rejected', async () => {
  const time = new Date(Date.now() + 25 * 3_600_000).toISOString()
  const { status, body } = await send({ ...clickOf('tomorrow'), time })

  expect(status).toBe(400)
  expect(body.errors).toMatchObject([{ field: 'time' }])
})

test.each([
  ['application/cloudevents+json', (event: object) => event],
  ['application/cloudevents-batch+json', (event: object) => [event]]
])('%s is taken in structured form', async (mediaType, wrap) => {
  const { id, item, session, ...rest } = clickOf(`in ${mediaType}`, mediaType)
  const envelope = { specversion: '1.0', id, source: '/shop', ...rest, data: { item, session } }
  const response = await serving.app.inject({
    method: 'POST',
    url: '/v1/events',
    headers: { 'content-type': mediaType },
    payload: JSON.stringify(wrap(envelope))
  })

  expect(response.json()).toMatchObject({ appended: 1 })
  expect(await readSessionTail(serving.database.pool, mediaType)).toMatchObject({
    events: [{ id: `/shop/${id}` }]
  })
})

test('a CloudEvent in binary form, its envelope in headers, is the same event', async () => {
  const headers = {
    'ce-specversion': '1.0',
    'ce-id': 'b1',
    'ce-source': '/shop/m%C3%BCnchen',
    'ce-type': 'com.example.shop.click',
    'ce-time': '2026-03-01T09:30:00Z',
    'ce-traceparent': '00-4bf9'
  }
  const request = { method: 'POST', url: '/v1/events', headers } as const
  const { pool } = serving.database

  const response = await serving.app.inject({ ...request, payload: { item: 'a', session: 'bin' } })
  const batch = await serving.app.inject({ ...request, payload: [{ item: 'a', session: 'bin' }] })
  const spoilt = await serving.app.inject({
    ...request,
    headers: { ...headers, 'ce-id': '%ff' },
    payload: { item: 'a', session: 'bin' }
  })

  const { rows } = await pool.query(
    `select event_id, type, properties from events where session_id = 'bin'`
  )
  expect(response.json()).toMatchObject({ appended: 1 })
  expect(rows).toMatchObject([
    {
      event_id: '/shop/münchen/b1',
      type: 'click',
      properties: { cloudevent: { source: '/shop/münchen', traceparent: '00-4bf9' } }
    }
  ])
  expect(batch.json().errors).toMatchObject([{ field: 'data' }])
  expect(spoilt.json().errors).toMatchObject([{ field: 'ce-id' }])
})

test("the room for events is no other route's: an item as a CloudEvent has that of an item", async () => {
  const request = {
    headers: { 'content-type': 'application/cloudevents+json' },
    payload: JSON.stringify({ attributes: {}, ...{ text: 'x'.repeat(300_000) } })
  }

  const put = await serving.app.inject({ method: 'PUT', url: '/v1/items/large', ...request })
  const post = await serving.app.inject({ method: 'POST', url: '/v1/events', ...request })

  expect(put.statusCode).toBe(413)
  expect(post.statusCode).toBe(400) // read, and found to be no event
})
