import { Writable } from 'node:stream'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildApp } from '#services/serving/app.ts'
import { neededRole } from '#services/serving/authorize.ts'
import { guardAddress } from '#services/serving/guard-address.ts'
import { createKnownKeys, type KnownKeys } from '#services/serving/known-keys.ts'
import type { App } from '#services/serving/serving-parts.ts'
import { makeKey, type Role, roles } from '#shared/apikeys/api-key.ts'
import { createKey, revokeKey, rotateKey } from '#shared/apikeys/stored-keys.ts'
import { createPool } from '#shared/database/pool.ts'
import { createMetrics } from '#shared/runtime/metrics.ts'
import {
  createEmptyDatabase,
  createTestDatabase,
  type TestDatabase
} from '#test/support/postgres.ts'
import { alphabetRecommender } from './serving-app.ts'

let database: TestDatabase
let keys: KnownKeys
let app: App
const logged: string[] = []
const held = {} as Record<Role, string>

beforeAll(async () => {
  database = await createTestDatabase()
  keys = createKnownKeys(database.pool, true)
  app = await appWith(keys, 0)
})
afterAll(async () => {
  await app.close()
  await database.drop()
})

async function appWith(keys: KnownKeys, requestsPerMinute: number): Promise<App> {
  const out = new Writable({
    write: (chunk, _, done) => {
      logged.push(String(chunk))
      done()
    }
  })
  return buildApp({
    pool: database.pool,
    recommender: {
      releaseId: () => 'r1',
      recommend: async query => {
        if (query.clicks.length === 0) throw new Error('nothing clicked')
        return alphabetRecommender().recommend(query)
      }
    },
    keys,
    requestsPerMinute,
    metrics: createMetrics(),
    log: pino({ level: 'trace' }, out),
    sessionGapMinutes: 30
  })
}

async function make(role: Role): Promise<string> {
  const { key } = await createKey(database.pool, { name: role, role })
  await keys.refresh()
  return key
}

/** What each route is asked with, so that it gets as far as its key allows. */
const requests = [
  ['read', 'POST', '/v1/recommendations', { items: ['a'] }],
  ['read', 'GET', '/v1/items', undefined],
  ['read', 'GET', '/v1/items/a', undefined],
  ['read', 'GET', '/v1/schemas', undefined],
  ['write', 'PUT', '/v1/items/a', { attributes: {} }],
  ['write', 'POST', '/v1/items', {}],
  ['write', 'POST', '/v1/events', {}],
  ['read', 'GET', '/v1/scenarios', undefined],
  ['admin', 'PUT', '/v1/scenarios/home', {}],
  ['admin', 'GET', '/v1/releases', undefined],
  ['admin', 'DELETE', '/v1/visitors/v1', undefined]
] as const

async function ask(
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  url: string,
  { key, payload, on = app }: { key?: string; payload?: object | undefined; on?: App } = {}
) {
  const headers = { ...(key !== undefined && { authorization: `Bearer ${key}` }) }
  const response = await on.inject({ method, url, headers, ...(payload && { payload }) })
  return { status: response.statusCode, headers: response.headers, body: response.json() }
}

function askAs(host: string, on = app) {
  return on.inject({ method: 'GET', url: '/v1/items', headers: { host } })
}

describe('without any key', () => {
  test('loopback answers everybody', async () => {
    expect((await ask('GET', '/v1/items')).status).toBe(200)
  })

  test.each(['localhost', 'LOCALHOST:8080', '127.0.0.1:80', '127.1.2.3', '[::1]', '[::1]:8080'])(
    'the host %s is ours',
    async host => {
      expect((await askAs(host)).statusCode).toBe(200)
    }
  )

  test.each(['shop.example', '127.0.0.1.evil.example', 'localhost.evil.example:8080', '10.0.0.1'])(
    'the host %s is refused: a foreign page may have pointed its name to us',
    async host => {
      const response = await askAs(host)

      expect(response.statusCode).toBe(403)
      expect(response.headers['content-type']).toMatch('application/problem+json')
      expect(response.json().detail).toMatch(/only localhost .* `nextrie keys create/)
    }
  )

  test('any other address is refused at start, and the fix is named', async () => {
    await expect(guardAddress(database.pool, '127.0.0.1')).resolves.toBeUndefined()
    await expect(guardAddress(database.pool, '0.0.0.0')).rejects.toThrow(
      /HOST 0\.0\.0\.0 .* `nextrie keys create NAME --role read`, or set HOST=127\.0\.0\.1/
    )
  })

  test('a database that was never migrated is told as that, and how to migrate it', async () => {
    const empty = await createEmptyDatabase()

    const attempt = guardAddress(empty.pool, '0.0.0.0')

    await expect(attempt).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringContaining('run `npx nextrie migrate`')
    })
    await empty.drop()
  })

  test('any other address answers nobody, even if it were listened on', async () => {
    expect(await createKnownKeys(database.pool, false).areRequired()).toBe(true)
  })
})

describe('with keys', () => {
  beforeAll(async () => {
    for (const role of roles) held[role] = await make(role)
  })

  test('any host is ours: the key tells who asks', async () => {
    expect((await askAs('shop.example')).statusCode).toBe(401)
  })

  test('any address may be listened on', async () => {
    await expect(guardAddress(database.pool, '0.0.0.0')).resolves.toBeUndefined()
  })

  test.each(requests)('the role %s is needed for %s %s', async (needed, method, url, payload) => {
    const statuses = await Promise.all(
      roles.map(async role => (await ask(method, url, { key: held[role], payload })).status)
    )

    expect(statuses.map(status => status !== 403)).toEqual(
      roles.map(role => roles.indexOf(role) >= roles.indexOf(needed))
    )
    expect(statuses).not.toContain(401)
  })

  test.each(requests)('(%s) %s %s needs a key', async (_, method, url, payload) => {
    const { status, headers, body } = await ask(method, url, { payload })

    expect(status).toBe(401)
    expect(headers['www-authenticate']).toBe('Bearer')
    expect(headers['content-type']).toMatch('application/problem+json')
    expect(headers['cache-control']).toBe('private, no-store')
    expect(body).toMatchObject({ code: 'UNAUTHORIZED', status: 401 })
  })

  test('every route of the description needs one', async () => {
    const { paths } = app.swagger() as { paths: Record<string, object> }
    const guarded = Object.entries(paths)
      .filter(([path]) => path.startsWith('/v1/'))
      .flatMap(([path, methods]) => Object.keys(methods).map(method => [method, path] as const))

    expect(guarded.length).toBeGreaterThanOrEqual(requests.length)
    for (const [method, path] of guarded) {
      const url = path.replace(/\{\w+\}/g, 'a')
      const { statusCode } = await app.inject({ method: method.toUpperCase() as 'GET', url })
      expect({ method, path, statusCode }).toEqual({ method, path, statusCode: 401 })
    }
  })

  test.each([
    ['of another secret', () => `${held.read.slice(0, -4)}AAAA`],
    ['that was never made', () => makeKey().key],
    ['that is no key', () => 'secret']
  ])('a key %s is refused', async (_, key) => {
    expect((await ask('GET', '/v1/items', { key: key() })).status).toBe(401)
  })

  test('health, figures and the page need none', async () => {
    for (const url of ['/health/live', '/health/ready', '/metrics', '/', '/docs/json']) {
      expect((await app.inject({ method: 'GET', url })).statusCode).toBe(200)
    }
  })

  test('a refused role is told which one is needed', async () => {
    const { body } = await ask('GET', '/v1/releases', { key: held.read })

    expect(body).toMatchObject({
      code: 'FORBIDDEN',
      detail: 'this needs a key with the role admin; the role of this one is read'
    })
  })

  test('a revoked key ends with the next look, a rotated one after its overlap', async () => {
    const [revoked, rotated] = [await make('read'), await make('read')]
    const status = async (key: string) => (await ask('GET', '/v1/items', { key })).status
    expect(await status(revoked)).toBe(200)

    await revokeKey(database.pool, revoked.split('_')[1]!)
    const made = await rotateKey(database.pool, rotated.split('_')[1]!, 60)
    await keys.refresh()

    expect(await Promise.all([revoked, rotated, made.key].map(status))).toEqual([401, 200, 200])
  })

  test('without Postgres the keys known last go on', async () => {
    const pool = createPool(database.url)
    const known = createKnownKeys(pool, true)
    await known.refresh()
    await pool.end()
    await expect(known.refresh()).rejects.toThrow()

    expect(await known.find(held.write)).toMatchObject({ role: 'write' })
    expect(await known.areRequired()).toBe(true)
  })

  test('no key is ever logged', async () => {
    const response = await app.inject({
      method: 'POST',
      url: '/v1/recommendations',
      headers: { authorization: `Bearer ${held.read}` },
      payload: { items: [] }
    })
    expect(response.statusCode).toBe(500)
    expect(logged.join('')).toContain('request failed')
    expect(logged.join('')).not.toMatch(/nextrie_[0-9a-f]{12}_/)
  })
})

describe('the rate limit', () => {
  test('counts each key by itself, and refuses with the time to wait', async () => {
    const on = await appWith(keys, 3)
    const status = async (key: string) => (await ask('GET', '/v1/items', { key, on })).status
    const first = [await status(held.read), await status(held.read), await status(held.read)]
    const refused = await ask('GET', '/v1/items', { key: held.read, on })

    expect(first).toEqual([200, 200, 200])
    expect(refused.status).toBe(429)
    expect(refused.headers['content-type']).toMatch('application/problem+json')
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    expect(refused.body).toMatchObject({ code: 'RATE_LIMITED', status: 429 })
    expect(await status(held.write)).toBe(200)
    await on.close()
  })

  test('counts requests without a valid key by their address', async () => {
    const on = await appWith(keys, 2)
    const statuses: number[] = []
    for (const key of ['one', 'two', 'three']) {
      statuses.push((await ask('GET', '/v1/items', { key, on })).status)
    }

    expect(statuses).toEqual([401, 401, 429])
    expect((await ask('GET', '/v1/items', { key: held.read, on })).status).toBe(200)
    await on.close()
  })
})

test('a route that nobody thought of needs the role admin', () => {
  expect(neededRole('POST', '/v1/anything')).toBe('admin')
  expect(neededRole('DELETE', '/v1/recommendations')).toBe('admin')
})
