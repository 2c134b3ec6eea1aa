import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ServingApp, startServing } from '../serving-app.ts'

let serving: ServingApp
beforeAll(async () => {
  serving = await startServing()
})
afterAll(() => serving.close())

async function recommend(payload: object) {
  const response = await serving.app.inject({
    method: 'POST',
    url: '/v1/recommendations',
    payload
  })
  return { response, status: response.statusCode, body: response.json() }
}

async function send(session: string, item: string, time: string, type = 'click') {
  const event = { id: randomUUID(), type, time, session, item }
  const response = await serving.app.inject({ method: 'POST', url: '/v1/events', payload: event })
  expect(response.statusCode).toBe(200)
}

function keysOf(body: { items: { item: string }[] }): string[] {
  return body.items.map(({ item }) => item)
}

describe('a recommendation', () => {
  test('names its release, its id, and the score and source of each item', async () => {
    const { status, body } = await recommend({ items: ['b'], n: 2 })

    expect(status).toBe(200)
    expect(body).toEqual({
      recommendation_id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-/),
      release: 'r1',
      items: [
        { item: 'c', score: 1, source: 'generated' },
        { item: 'd', score: 0.5, source: 'generated' }
      ]
    })
  })

  test('gets ten items when the caller does not say how many, and no fewer than there are', async () => {
    const { body } = await recommend({ items: [] })

    expect(keysOf(body)).toEqual(['a', 'b', 'c', 'd', 'e', 'f'])
  })

  test('changes with the next click of its session', async () => {
    await send('s1', 'a', '2026-03-01T09:00:00Z')
    const before = await recommend({ session: 's1', n: 1 })
    await send('s1', 'd', '2026-03-01T09:01:00Z')
    const after = await recommend({ session: 's1', n: 1 })

    expect(keysOf(before.body)).toEqual(['b'])
    expect(keysOf(after.body)).toEqual(['e'])
  })

  test('reads the session since its last pause only', async () => {
    await send('s2', 'e', '2026-03-01T09:00:00Z')
    await send('s2', 'a', '2026-03-01T10:00:00Z')
    const { body } = await recommend({ session: 's2' })

    expect(keysOf(body)).toEqual(['b', 'c', 'd', 'e', 'f'])
  })

  test('does not take a dislike for a click', async () => {
    await send('s3', 'a', '2026-03-01T09:00:00Z')
    await send('s3', 'd', '2026-03-01T09:01:00Z', 'dislike')
    const { body } = await recommend({ session: 's3', n: 1 })

    expect(keysOf(body)).toEqual(['b'])
  })

  test('for an unknown session says that its items are popular ones', async () => {
    const { body } = await recommend({ session: 'nobody', n: 1 })

    expect(body.items).toEqual([{ item: 'a', score: 1, source: 'popular' }])
  })

  test('leaves out what the caller excludes', async () => {
    const { body } = await recommend({ items: ['a'], exclude: ['b', 'd'], n: 2 })

    expect(keysOf(body)).toEqual(['c', 'e'])
  })

  test('brings clicked items back only when asked to', async () => {
    const without = await recommend({ items: ['a', 'b'] })
    const repeating = await recommend({ items: ['a', 'b'], repeat: true })

    expect(keysOf(without.body)).toEqual(['c', 'd', 'e', 'f'])
    expect(keysOf(repeating.body)).toEqual(['c', 'd', 'e', 'f', 'a', 'b'])
  })

  test('brings the attributes along when asked to', async () => {
    const { body } = await recommend({ items: ['a'], n: 1, attributes: true })

    expect(body.items[0].attributes).toEqual({ title: 'Letter b' })
  })

  test('is not kept by any cache', async () => {
    const { response } = await recommend({ items: [] })

    expect(response.headers['cache-control']).toBe('private, no-store')
  })
})

describe('a faulty question', () => {
  test('is answered with a problem that names every faulty field', async () => {
    const { response, body } = await recommend({ items: ['a', 3], n: '5', colour: 'red' })

    expect(response.headers['content-type']).toMatch('application/problem+json')
    expect(body).toEqual({
      type: 'about:blank',
      title: 'Bad Request',
      status: 400,
      code: 'REQUEST_INVALID',
      detail: expect.stringContaining('n must be integer'),
      errors: expect.arrayContaining([
        {
          field: 'colour',
          message:
            'is not known here; known are session, items, next, scenario, n, exclude, filter, ' +
            'min_score, diversity, repeat, attributes, explain'
        },
        { field: 'items[1]', message: 'must be string' },
        { field: 'n', message: 'must be integer' }
      ])
    })
  })

  test.each([
    ['neither a session nor items', {}],
    ['both a session and items', { session: 's1', items: ['a'] }]
  ])('with %s names both fields', async (_, payload) => {
    const { status, body } = await recommend(payload)

    expect(status).toBe(400)
    expect(body.errors.map((fault: { field: string }) => fault.field)).toEqual(['session', 'items'])
  })

  test.each([
    ['n', { items: [], n: 101 }],
    ['n', { items: [], n: 0 }],
    ['session', { session: '' }],
    ['session', { session: 'a\u0000b' }],
    ['repeat', { items: [], repeat: 'yes' }],
    ['exclude[0]', { items: [], exclude: ['x'.repeat(201)] }]
  ])('is refused for its field %s', async (field, payload) => {
    const { status, body } = await recommend(payload)

    expect(status).toBe(400)
    expect(body.errors).toMatchObject([{ field }])
  })

  test.each([
    ['no JSON', '{"items":', 'application/json', 400, 'REQUEST_INVALID'],
    ['another media type', 'items=a', 'text/csv', 415, 'MEDIA_TYPE_UNKNOWN'],
    ['too long', `"${'x'.repeat(300_000)}"`, 'application/json', 413, 'BODY_TOO_LARGE']
  ])('whose body is %s is refused', async (_, payload, mediaType, status, code) => {
    const response = await serving.app.inject({
      method: 'POST',
      url: '/v1/recommendations',
      headers: { 'content-type': mediaType },
      payload
    })

    expect(response.headers['content-type']).toMatch('application/problem+json')
    expect(response.json()).toMatchObject({ status, code })
  })
})
