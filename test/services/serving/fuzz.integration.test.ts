// Thousands of bad requests to every route, made of the service's own description. The application,
// Postgres and the recommender are real.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { problemMediaType } from '#services/serving/problem.ts'
import type { App } from '#services/serving/serving-parts.ts'
import { type Recommender, startRecommender } from '#shared/recommendations/recommender.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'
import { smallModel, writeSmallRelease } from '#test/support/small-release.ts'
import { useBackend } from '#test/support/tensorflow.ts'
import { type BadRequest, badRequests, type Operation, operationsOf } from './bad-requests.ts'
import { appOn, silent } from './serving-app.ts'

const seed = 6
const wantedRequests = 10_000

let folder: string
let database: TestDatabase
let recommender: Recommender
let app: App

beforeAll(async () => {
  await useBackend('cpu')
  folder = await mkdtemp(join(tmpdir(), 'nextrie-fuzz-'))
  const trained = smallModel(Array.from({ length: 60 }, (_, i) => `item ${i}`))
  const release = await writeSmallRelease(folder, trained)
  recommender = await startRecommender({ folder: release, log: silent, threads: 1 })
  database = await createTestDatabase()
  app = await appOn(database.pool, { ...recommender, releaseId: () => 'r1' })
  await app.ready()
})
afterAll(async () => {
  await app.close()
  await recommender.close()
  await database.drop()
  await rm(folder, { recursive: true, force: true })
})

test('bad requests to every route are refused as problems that name the fault', async () => {
  const operations = operationsOf(app.swagger())
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

test('the service answers as before afterwards', async () => {
  const payload = { items: ['item 1'], n: 5 }
  const response = await app.inject({ method: 'POST', url: '/v1/recommendations', payload })

  expect(response.statusCode).toBe(200)
  expect(response.json().items).toHaveLength(5)
})

async function expectRefusal({ fault, ...request }: BadRequest): Promise<void> {
  const response = await app.inject(request as object)
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
