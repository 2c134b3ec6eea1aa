// Thousands of bad requests to every route, made of the service's own description, and filters that are
// allowed but odd. The application, Postgres and the recommender are real.
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createKnownKeys } from '#services/serving/known-keys.ts'
import { problemMediaType } from '#services/serving/problem.ts'
import type { App } from '#services/serving/serving-parts.ts'
import { createKey } from '#shared/apikeys/stored-keys.ts'
import { smallModel } from '#test/support/small-release.ts'
import { type BadRequest, badRequests, type Operation, operationsOf } from './bad-requests.ts'
import { type ServedRelease, serveRelease } from './served-release.ts'
import { appOn } from './serving-app.ts'

const seed = 6
const wantedRequests = 10_000

let served: ServedRelease

beforeAll(async () => {
  const itemKeys = Array.from({ length: 60 }, (_, i) => `item ${i}`)
  const items = itemKeys.map((key, i) => ({ key, attributes: oddAttributes(i), isVisible: true }))
  served = await serveRelease({ trained: smallModel(itemKeys), items })
  await served.app.ready()
}, 60_000)
afterAll(() => served.close())

test('bad requests to every route are refused as problems that name the fault', async () => {
  const operations = operationsOf(served.app.swagger())
  const guarded = operations.filter(({ body, parameters }) => body || parameters.length > 0)
  const numRuns = Math.ceil(wantedRequests / guarded.length)
  let answered = 0

  const refuse = (operation: Operation, runs: number) =>
    fc.assert(
      fc.asyncProperty(badRequests(operation), async request => {
        await expectRefusal(request)
        answered += 1
      }),
      { seed, numRuns: runs }
    )
  for (const operation of operations) {
    await refuse(operation, guarded.includes(operation) ? numRuns : 50)
  }

  expect(guarded.length).toBeGreaterThanOrEqual(6)
  expect(answered).toBeGreaterThanOrEqual(wantedRequests)
}, 120_000)

test('filters that are allowed but odd are answered, by what Postgres finds', async () => {
  let found = 0
  const question = fc.record({
    items: fc.array(fc.constantFrom('item 1', 'item 2', 'gone'), { maxLength: 2 }),
    filter: oddConditions
  })
  await fc.assert(
    fc.asyncProperty(question, async payload => {
      const asked = { method: 'POST', url: '/v1/recommendations', payload } as const
      const response = await served.app.inject(asked)
      expect(response.statusCode, response.body.slice(0, 300)).toBe(200)
      found += response.json().items.length
    }),
    { seed, numRuns: 300 }
  )

  expect(found).toBeGreaterThan(300)
}, 60_000)

test('nobody gets further without a key, with one of a small role, or by asking too often', async () => {
  const keys = createKnownKeys(served.database.pool, true)
  const { key } = await createKey(served.database.pool, { name: 'fuzz', role: 'read' })
  await keys.refresh()
  const guarded = await appOn(served.database.pool, served.release, {
    keys,
    requestsPerMinute: 250
  })
  await guarded.ready()
  const operations = operationsOf(guarded.swagger()).filter(({ path }) => path.startsWith('/v1/'))
  const statuses = new Set<number>()
  const requests = fc.tuple(
    fc.oneof(...operations.map(badRequests)),
    fc.constantFrom(undefined, 'Bearer ', 'x', `Bearer ${key}`)
  )
  await fc.assert(
    fc.asyncProperty(requests, async ([{ fault: _, ...request }, authorization]) => {
      const headers = { ...request.headers, ...(authorization && { authorization }) }
      statuses.add(await expectProblem(guarded, { ...request, headers }))
    }),
    { seed, numRuns: 1000 }
  )

  expect([...statuses]).toEqual(expect.arrayContaining([400, 401, 403, 404, 429]))
  await guarded.close()
}, 60_000)

test('the service answers as before afterwards', async () => {
  const payload = { items: ['item 1'], n: 5 }
  const response = await served.app.inject({ method: 'POST', url: '/v1/recommendations', payload })

  expect(response.statusCode).toBe(200)
  expect(response.json().items).toHaveLength(5)
})

/** @returns its status. */
async function expectProblem(on: App, request: Omit<BadRequest, 'fault'>): Promise<number> {
  const response = await on.inject(request as object)
  if (response.headers['content-type'] === 'application/x-ndjson') expectLines(response.body)
  else expect(response.headers['content-type']).toMatch(problemMediaType)
  expect(response.statusCode, response.body.slice(0, 300)).toBeLessThan(500)
  return response.statusCode
}

async function expectRefusal({ fault, ...request }: BadRequest): Promise<void> {
  const response = await served.app.inject(request as object)
  const { statusCode: status } = response
  const seen = `${status} ${response.body.slice(0, 300)}`

  // A batch answers each of its questions by itself, in a line of its own.
  if (response.headers['content-type'] === 'application/x-ndjson') return expectLines(response.body)
  expect(status, seen).toBeGreaterThanOrEqual(400)
  expect(status, seen).toBeLessThan(500)
  expect(response.headers['content-type'], seen).toMatch(problemMediaType)
  const problem = response.json()
  expect(problem, seen).toMatchObject({
    type: 'about:blank',
    status,
    code: expect.stringMatching(/./)
  })
  expect(problem.detail, seen).toMatch(/\w/)
  if (fault === undefined) return
  const fields = (problem.errors ?? []).map(({ field }: { field: string }) => field)
  expect(fields.join(' '), seen).toContain(fault)
}

function expectLines(body: string): void {
  const lines = body.trim().split('\n')
  const problems = lines.map(line => JSON.parse(line).error).filter(Boolean)

  expect(problems.length, body.slice(0, 300)).toBeGreaterThan(0)
  for (const problem of problems) {
    expect(problem.status, body.slice(0, 300)).toBeLessThan(500)
    expect(problem.detail).toMatch(/\w/)
  }
}

const names = ['price', "it's", 'a "b"', '100 %', 'größe', '$1', 'x; drop table items']
const texts = ['', 'red', "'; --", '\\', '%', '_', '{}', 'null', '\u2028', '😀', '-0', '1e5']
const numbers = [0, -0, -5, 0.1, 5e-324, 1e308, 2 ** 53]

/** Every name, with values of every kind. */
function oddAttributes(i: number) {
  const values = [texts[i % texts.length]!, numbers[i % numbers.length]!, i % 2 === 0, texts]
  return Object.fromEntries(names.map((name, n) => [name, values[(i + n) % values.length]!]))
}

const { condition: oddConditions } = fc.letrec<{ condition: object; leaf: object }>(tie => {
  const attribute = fc.constantFrom(...names)
  const value = fc.constantFrom(...texts, ...numbers, true, false)
  const number = fc.constantFrom(...numbers)
  const group = fc.array(tie('leaf'), { minLength: 1, maxLength: 3 })
  return {
    leaf: fc.oneof(
      fc.record({ attribute, equals: value }),
      fc.record({ attribute, in: fc.uniqueArray(value, { minLength: 1, maxLength: 4 }) }),
      fc.record({ attribute, min: number }),
      fc.record({ attribute, max: number })
    ),
    condition: fc.oneof(
      tie('leaf'),
      group.map(and => ({ and })),
      group.map(or => ({ or })),
      tie('leaf').map(not => ({ not }))
    )
  }
})
