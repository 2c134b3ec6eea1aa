import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createKnownScenarios, type KnownScenarios } from '#services/serving/known-scenarios.ts'
import type { App } from '#services/serving/serving-parts.ts'
import { mostScenarios } from '#services/serving/stored-scenarios.ts'
import { createPool } from '#shared/database/pool.ts'
import { alphabetRecommender, appOn, type ServingApp, startServing } from '../serving-app.ts'

let serving: ServingApp
let app: App
beforeAll(async () => {
  serving = await startServing()
  app = serving.app
})
beforeEach(async () => {
  const { body } = await ask('GET', '/scenarios')
  for (const { name } of body.scenarios) await ask('DELETE', `/scenarios/${name}`)
})
afterAll(() => serving.close())

type Method = 'GET' | 'PUT' | 'POST' | 'DELETE'

async function ask(method: Method, url: string, payload?: object, on = app) {
  const response = await on.inject({ method, url: `/v1${url}`, ...(payload && { payload }) })
  const body = response.body === '' ? undefined : response.json()
  return { status: response.statusCode, body }
}

async function recommend(question: object, on = app) {
  const { status, body } = await ask('POST', '/recommendations', question, on)
  return { status, body, keys: body.items?.map(({ item }: { item: string }) => item).join('') }
}

describe('a scenario', () => {
  test('is written, read, listed, replaced and deleted', async () => {
    const first = await ask('PUT', '/scenarios/home', { n: 2 })
    await ask('PUT', '/scenarios/basket-page', { exclude: ['b'], repeat: true })
    const replaced = await ask('PUT', '/scenarios/home', { n: 3, diversity: 0.5 })
    const read = await ask('GET', '/scenarios/home')
    const list = await ask('GET', '/scenarios')
    const gone = await ask('DELETE', '/scenarios/home')
    const missing = await Promise.all([
      ask('GET', '/scenarios/home'),
      ask('DELETE', '/scenarios/home')
    ])

    expect(first).toEqual({ status: 200, body: { name: 'home', defaults: { n: 2 } } })
    expect(replaced.body).toEqual({ name: 'home', defaults: { n: 3, diversity: 0.5 } })
    expect(read).toEqual({ status: 200, body: replaced.body })
    expect(list.body.scenarios).toEqual([
      { name: 'basket-page', defaults: { exclude: ['b'], repeat: true } },
      replaced.body
    ])
    expect(gone).toEqual({ status: 204, body: undefined })
    for (const { status, body } of missing) {
      expect(status).toBe(404)
      expect(body).toMatchObject({ code: 'SCENARIO_NOT_FOUND' })
    }
  })

  test.each([
    ['n', { n: 0 }],
    ['session', { session: 's1' }],
    ['scenario', { scenario: 'other' }],
    ['diversity', { diversity: 1.5 }],
    ['filter.min', { filter: { attribute: 'title', min: '5' } }],
    ['filter.attribute', { filter: { attribute: 'colour', equals: 'red' } }],
    ['explain', { explain: true, n: 21 }]
  ])('is checked as a question is: its %s', async (field, defaults) => {
    const { status, body } = await ask('PUT', '/scenarios/home', defaults)

    expect(status).toBe(400)
    expect(body.errors.map((fault: { field: string }) => fault.field)).toEqual([field])
    expect((await ask('GET', '/scenarios')).body.scenarios).toEqual([])
  })

  test('has a name of letters, digits, dots, dashes and underscores', async () => {
    const { status, body } = await ask('PUT', `/scenarios/${encodeURIComponent('home page')}`, {})

    expect(status).toBe(400)
    expect(body.detail).toMatch('name must be a name of 1 to 100 letters')
  })

  test('is one of a thousand at most; those there are can still be replaced', async () => {
    await serving.database.pool.query(
      `insert into scenarios (name, defaults) select 's' || n, '{}' from generate_series(1, $1) n`,
      [mostScenarios]
    )

    const [added, replaced] = [
      await ask('PUT', '/scenarios/home', {}),
      await ask('PUT', '/scenarios/s7', { n: 7 })
    ]
    await serving.database.pool.query('delete from scenarios')

    expect(added).toMatchObject({ status: 409, body: { code: 'TOO_MANY_SCENARIOS' } })
    expect(replaced.status).toBe(200)
  })

  test('may hold any text that a question may', async () => {
    const defaults = { exclude: ['\ud800', '"', "'", 'ß\n'] }

    expect((await ask('PUT', '/scenarios/odd', defaults)).status).toBe(200)
    expect((await ask('GET', '/scenarios/odd')).body.defaults).toEqual(defaults)
  })
})

describe('a question', () => {
  test('begins with the defaults of its scenario, and its own fields win', async () => {
    await ask('PUT', '/scenarios/home', { n: 3, exclude: ['b'], attributes: true })

    const { body, keys } = await recommend({ items: ['a'], scenario: 'home' })
    const own = await recommend({ items: ['a'], scenario: 'home', n: 1, exclude: ['c'] })

    expect(keys).toBe('cde')
    expect(body.items[0].attributes).toEqual({ title: 'Letter c' })
    expect(own.keys).toBe('b')
  })

  test('with an unknown scenario is refused with those that there are', async () => {
    const before = await recommend({ items: [], scenario: 'home' })
    await ask('PUT', '/scenarios/basket', {})
    await ask('PUT', '/scenarios/mail', {})
    const after = await recommend({ items: [], scenario: 'home' })

    expect(before.body).toMatchObject({
      status: 400,
      errors: [{ field: 'scenario', message: 'is not known; there are none yet' }]
    })
    expect(after.body.errors).toEqual([
      { field: 'scenario', message: 'is not known; there are basket, mail' }
    ])
  })

  test('says that a fault is the one of its scenario', async () => {
    await serving.database.pool.query(
      `insert into scenarios (name, defaults)
       values ('old', '{"filter": {"attribute": "gone", "equals": 1}, "n": 50}')`
    )
    const on = await appOn(serving.database.pool)

    const { body } = await recommend({ items: [], scenario: 'old', explain: true }, on)

    expect(body.errors).toEqual([
      { field: 'explain', message: 'goes with an n up to 20, not 50' },
      {
        field: 'filter.attribute',
        message: expect.stringMatching(/of no item; there are title \(from the scenario old\)$/)
      }
    ])
    await on.close()
  })

  test('of a batch may name one, too', async () => {
    await ask('PUT', '/scenarios/mail', { n: 1 })
    const response = await app.inject({
      method: 'POST',
      url: '/v1/recommendations/batch',
      payload: [
        { items: ['a'], scenario: 'mail' },
        { items: ['b'], scenario: 'male' }
      ]
    })

    const lines = response.body.trim().split('\n')
    expect(JSON.parse(lines[0]!).items).toMatchObject([{ item: 'b' }])
    expect(JSON.parse(lines[1]!).error.errors).toMatchObject([{ field: 'scenario' }])
  })
})

describe('another process', () => {
  test('knows what was written and deleted with its next look', async () => {
    const scenarios = createKnownScenarios(serving.database.pool)
    const other = await appOn(serving.database.pool, undefined, { scenarios })
    const status = async () => (await recommend({ items: [], scenario: 'home' }, other)).status
    const seen = [await status()]

    await ask('PUT', '/scenarios/home', { n: 2 })
    seen.push(await status())
    await scenarios.refresh()
    seen.push(await status())
    await ask('DELETE', '/scenarios/home')
    await scenarios.refresh()
    seen.push(await status())

    expect(seen).toEqual([400, 400, 200, 400])
    await other.close()
  })

  test('goes on with those known last while Postgres is away', async () => {
    await ask('PUT', '/scenarios/home', { n: 2 })
    const pool = createPool(serving.database.url)
    const scenarios: KnownScenarios = createKnownScenarios(pool)
    await scenarios.refresh()
    const { recommend: answer } = alphabetRecommender()
    const alone = await appOn(pool, { releaseId: () => 'r1', recommend: answer }, { scenarios })
    await pool.end()
    await expect(scenarios.refresh()).rejects.toThrow()

    const { status, keys } = await recommend({ items: ['a'], scenario: 'home' }, alone)

    expect([status, keys]).toEqual([200, 'bc'])
    await alone.close()
  })
})

test('scenarios are read in full only when one has changed, whatever the change', async () => {
  const { pool } = serving.database
  const known = createKnownScenarios(pool)
  const first = await known.all()
  const seen = [first]
  const look = async () => {
    await known.refresh()
    seen.push(await known.all())
  }

  await look()
  expect(seen[1]).toBe(first) // not even read

  await ask('PUT', '/scenarios/one', { n: 1 })
  await look()
  await ask('PUT', '/scenarios/one', { n: 2 })
  await look()
  await pool.query(`update scenarios set defaults = '{"n": 3}'`) // by hand, without its time
  await look()
  await ask('DELETE', '/scenarios/one')
  await look()

  expect(seen.slice(2).map(all => all.get('one')?.n)).toEqual([1, 2, 3, undefined])
})

test('a scenario has at most 16 KiB', async () => {
  const keys = Array.from({ length: 100 }, (_, i) => `${i} `.padEnd(180, 'x'))

  const { status, body } = await ask('PUT', '/scenarios/large', { exclude: keys })

  expect(status).toBe(400)
  expect(body.errors).toEqual([
    { field: 'body', message: expect.stringContaining('a scenario takes 16384 at most') }
  ])
})
