import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LoadingRelease } from '#services/serving/live-recommender.ts'
import { createPool } from '#shared/database/pool.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { alphabetRecommender, appOn, gate, type ServingApp, startServing } from './serving-app.ts'

let serving: ServingApp
let release: string | undefined = 'r1'
let loading: LoadingRelease | undefined
let recommend = alphabetRecommender().recommend

beforeAll(async () => {
  const recommender = {
    releaseId: () => release,
    loading: () => loading,
    recommend: (query: Parameters<typeof recommend>[0]) => recommend(query)
  }
  serving = await startServing(recommender)
})
afterAll(() => serving.close())

async function ask(method: 'GET' | 'POST', url: string, payload?: object) {
  const response = await serving.app.inject({ method, url, ...(payload && { payload }) })
  return { response, status: response.statusCode, text: response.body }
}

describe('health', () => {
  test('is answered over a socket while a recommendation is being computed', async () => {
    const started = gate()
    const finish = gate()
    recommend = async query => {
      started.open()
      await finish.opened
      return alphabetRecommender().recommend(query)
    }
    const address = await serving.app.listen({ host: '127.0.0.1', port: 0 })
    const recommendation = fetch(`${address}/v1/recommendations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"items":[]}'
    })
    await started.opened

    const health = await fetch(`${address}/health/live`)

    expect(health.status).toBe(200)
    finish.open()
    expect((await recommendation).status).toBe(200)
    recommend = alphabetRecommender().recommend
  })

  test('is ready with Postgres reachable and a release loaded', async () => {
    const { status, response } = await ask('GET', '/health/ready')

    expect(status).toBe(200)
    expect(response.json()).toEqual({ status: 'ready', postgres: 'reachable', release: 'r1' })
  })

  test.each(['/health/live', '/health/ready', '/metrics'])(
    'HEAD %s is answered as GET, whatever stands behind it',
    async path => {
      const answer = await serving.app.inject({ method: 'HEAD', url: `${path}?by=a-probe` })

      expect({ status: answer.statusCode, body: answer.body }).toEqual({ status: 200, body: '' })
    }
  )

  test('is unready while no release is loaded', async () => {
    release = undefined
    const { status, response } = await ask('GET', '/health/ready')
    release = 'r1'

    expect(status).toBe(503)
    expect(response.json()).toEqual({ status: 'unready', postgres: 'reachable' })
  })

  test('says how far a release has come that is being loaded', async () => {
    release = undefined
    loading = { releaseId: 'r2', items: 1500 }
    const { status, response } = await ask('GET', '/health/ready')
    release = 'r1'
    loading = undefined

    expect(status).toBe(503)
    expect(response.json()).toMatchObject({
      status: 'unready',
      loading: { release: 'r2', items: 1500 }
    })
  })
})

describe('closing', () => {
  test('answers what is begun, and nothing that comes later', async () => {
    const [started, finish] = [gate(), gate()]
    const recommender = alphabetRecommender()
    const app = await appOn(serving.database.pool, {
      releaseId: () => 'r1',
      recommend: async query => {
        started.open()
        await finish.opened
        return recommender.recommend(query)
      }
    })
    const address = await app.listen({ host: '127.0.0.1', port: 0 })
    const question = { method: 'POST', headers: { 'content-type': 'application/json' } }
    const begun = fetch(`${address}/v1/recommendations`, { ...question, body: '{"items":[]}' })
    await started.opened

    const closed = app.close()
    const statusOfLater = async () => {
      const later = await fetch(`${address}/health/live`).catch(() => undefined)
      await later?.arrayBuffer()
      return later?.status ?? 'refused'
    }
    await expect.poll(statusOfLater).not.toBe(200)
    finish.open()

    const answer = await begun
    expect(answer.status).toBe(200)
    await answer.arrayBuffer()
    await closed
  })
})

describe('a failure', () => {
  test('that is ours shows nothing of itself', async () => {
    recommend = async () => {
      throw new Error('password is 1234')
    }
    const { status, response, text } = await ask('POST', '/v1/recommendations', { items: [] })

    expect(status).toBe(500)
    expect(response.json()).toMatchObject({ title: 'Internal Server Error', code: 'UNEXPECTED' })
    expect(text).not.toMatch('1234')
  })

  test('by overload is a 503 that says when to come again', async () => {
    recommend = async () => {
      throw new RecommenderError('OVERLOADED', 'too much', { canRetry: true })
    }
    const { status, response } = await ask('POST', '/v1/recommendations', { items: [] })

    expect(status).toBe(503)
    expect(response.headers['retry-after']).toBe('1')
    expect(response.json()).toMatchObject({ code: 'OVERLOADED' })
    recommend = alphabetRecommender().recommend
  })

  test('that may pass says so, and when to come again', async () => {
    recommend = async () => {
      throw new RecommenderError('RELEASE_NOT_FOUND', 'no release', { canRetry: true })
    }
    const { status, response } = await ask('POST', '/v1/recommendations', { items: [] })

    expect(status).toBe(503)
    expect(response.headers['retry-after']).toBe('1')
    expect(response.json()).toMatchObject({ code: 'RELEASE_NOT_FOUND' })
    recommend = alphabetRecommender().recommend
  })

  test.each([
    ['an unknown path', '/v2/items', 404, 'NOT_FOUND'],
    ['an unknown path of ours', '/v1/nothing', 404, 'NOT_FOUND'],
    ['a path that cannot be decoded', '/v1/items/%zz', 400, 'REQUEST_INVALID']
  ])('by %s is a problem', async (_, url, status, code) => {
    const { response } = await ask('GET', url)

    expect(response.headers['content-type']).toMatch('application/problem+json')
    expect(response.headers['cache-control']).toBe('private, no-store')
    expect(response.json()).toMatchObject({ status, code })
  })
})

describe('without Postgres', () => {
  test('the process lives, is degraded, and says that a question may be asked again', async () => {
    const pool = createPool('postgres://nobody@127.0.0.1:1/nothing')
    const app = await appOn(pool)
    const [live, ready, recommendation] = await Promise.all([
      app.inject({ method: 'GET', url: '/health/live' }),
      app.inject({ method: 'GET', url: '/health/ready' }),
      app.inject({ method: 'POST', url: '/v1/recommendations', payload: { session: 's1' } })
    ])

    expect(live.statusCode).toBe(200)
    expect(ready.statusCode).toBe(200)
    expect(ready.json()).toEqual({ status: 'degraded', postgres: 'away', release: 'r1' })
    expect(recommendation.statusCode).toBe(503)
    expect(recommendation.json()).toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
    await app.close()
    await pool.end()
  })
})

describe('readiness', () => {
  test.each([
    [0, { status: 'ready' }],
    [60, { status: 'degraded', seconds_behind: 60 }]
  ])('with the catalogue %s seconds behind', async (secondsBehind, expected) => {
    const figures = { added: 0, room: 0, withoutRoom: 0, faulty: 0, secondsBehind }
    const app = await appOn(serving.database.pool, {
      releaseId: () => 'r1',
      recommend: alphabetRecommender().recommend,
      catalogueState: () => figures
    })
    const ready = await app.inject({ method: 'GET', url: '/health/ready' })

    expect(ready.statusCode).toBe(200)
    expect(ready.json()).toEqual({ postgres: 'reachable', release: 'r1', ...expected })
    await app.close()
  })
})

describe('metrics', () => {
  test('count requests by route and status, and recommended items by source', async () => {
    await ask('POST', '/v1/recommendations', { items: ['a'], n: 2 })
    await ask('GET', '/v1/items/none-of-this-name')
    const { response, text } = await ask('GET', '/metrics')

    expect(response.headers['content-type']).toMatch('text/plain')
    expect(text).toMatch(/nextrie_recommended_items_total\{source="generated"\} [1-9]/)
    expect(text).toMatch(
      /duration_seconds_count\{method="GET",route="\/v1\/items\/:id",status="404"\}/
    )
    expect(text).toMatch('nodejs_eventloop_lag_seconds')
    expect(text).toMatch(/nextrie_recommender_busy_threads \d/)
  })
})

describe('the description of the API', () => {
  test('lists every route with its answers', async () => {
    const { response } = await ask('GET', '/docs/json')
    const description = response.json()

    expect(description.openapi).toBe('3.1.0')
    expect(operationsOf(description)).toEqual([
      'DELETE /v1/items/{id} 204 400 401 403 429 503',
      'DELETE /v1/scenarios/{name} 204 400 401 403 404 429 503',
      'DELETE /v1/visitors/{id} 200 400 401 403 429 503',
      'GET /health/live 200',
      'GET /health/ready 200 503',
      'GET /metrics 200',
      'GET /v1/items 200 400 401 403 429 503',
      'GET /v1/items/{id} 200 400 401 403 404 429 503',
      'GET /v1/items/{id}/similar 200 400 401 403 404 429 503',
      'GET /v1/releases 200 401 403 429 503',
      'GET /v1/scenarios 200 401 403 429 503',
      'GET /v1/scenarios/{name} 200 400 401 403 404 429 503',
      'GET /v1/schemas 200 401 403 429',
      'GET /v1/schemas/{name} 200 401 403 404 429',
      'POST /v1/events 200 202 400 401 403 413 429 503',
      'POST /v1/items 200 400 401 403 413 429 503',
      'POST /v1/recommendations 200 400 401 403 429 503',
      'POST /v1/recommendations/batch 200 400 401 403 413 429 503',
      'PUT /v1/items/{id} 200 400 401 403 429 503',
      'PUT /v1/scenarios/{name} 200 400 401 403 409 429 503'
    ])
  })

  test('gives errors the media type that they have', async () => {
    const { response } = await ask('GET', '/docs/json')
    const { responses } = response.json().paths['/v1/recommendations'].post

    expect(Object.keys(responses['400'].content)).toEqual(['application/problem+json'])
  })

  test('has a page to try it', async () => {
    const { status, text } = await ask('GET', '/docs')

    expect(status).toBe(200)
    expect(text).toMatch('Nextrie API')
  })
})

describe('the page', () => {
  test.each([
    ['/', 'text/html; charset=utf-8'],
    ['/page.js', 'text/javascript; charset=utf-8'],
    ['/page.css', 'text/css; charset=utf-8'],
    ['/mark.svg', 'image/svg+xml']
  ])('has %s as %s', async (url, mediaType) => {
    const { status, response } = await ask('GET', url)

    expect(status).toBe(200)
    expect(response.headers['content-type']).toBe(mediaType)
  })

  test('may load nothing from anywhere else', async () => {
    const { response, text } = await ask('GET', '/')

    expect(response.headers['content-security-policy']).toMatch(`default-src 'self'`)
    expect(text).not.toMatch(/(src|href)="(https?:)?\/\//)
  })

  test('is as safe at the first answer as at each later one, and where there is nothing', async () => {
    const names = ['content-security-policy', 'x-content-type-options', 'x-frame-options']
    for (const url of ['/', '/', '/nothing', '/v1/nothing']) {
      const { response } = await ask('GET', url)
      expect(names.filter(name => response.headers[name] === undefined)).toEqual([])
    }
  })
})

function operationsOf(description: {
  paths: Record<string, Record<string, { responses: object }>>
}): string[] {
  return Object.entries(description.paths)
    .flatMap(([path, operations]) =>
      Object.entries(operations).map(([method, { responses }]) =>
        [method.toUpperCase(), path, ...Object.keys(responses).sort()].join(' ')
      )
    )
    .sort()
}
