// What must not interrupt answers: a new release, a corrupt one, and Postgres going away. Asked over
// HTTP, of the program itself.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { migrationsFolder } from '#services/nextrie/migrations-folder.ts'
import { upsertItems } from '#shared/catalog/write-items.ts'
import { startEmbeddedPostgres } from '#shared/database/embedded-postgres.ts'
import { migrate } from '#shared/database/migrate.ts'
import { createPool, type Pool } from '#shared/database/pool.ts'
import type { TrainedModel } from '#shared/recommendations/trained-model.ts'
import { parseManifest } from '#shared/releases/manifest.ts'
import { announceRelease } from '#shared/releases/registry.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'
import { type Serving, startServing } from '#test/support/serving.ts'
import { startSilentProxy } from '#test/support/silent-proxy.ts'
import { publishSmallRelease, smallModel, writeSmallRelease } from '#test/support/small-release.ts'
import { useBackend } from '#test/support/tensorflow.ts'
import { silent } from './serving-app.ts'

const itemKeys = Array.from({ length: 60 }, (_, i) => `item ${i}`)
let folder: string
let trained: TrainedModel

beforeAll(async () => {
  await useBackend('cpu')
  folder = await mkdtemp(join(tmpdir(), 'nextrie-never-down-'))
  trained = smallModel(itemKeys)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function publish(pool: Pool, releaseId: string): Promise<string> {
  return publishSmallRelease(pool, { folder, trained, releaseId })
}

async function ready(serving: Serving) {
  const response = await fetch(`${serving.url}/health/ready`)
  const state = (await response.json()) as { status: string; refused?: object }
  return { ...state, http: response.status }
}

async function recommend(serving: Serving, question: object) {
  const response = await fetch(`${serving.url}/v1/recommendations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(question)
  })
  const answer = (await response.json()) as { release?: string; items?: unknown[]; code?: string }
  return { ...answer, status: response.status }
}

test('a release swaps in at 100 requests a second without one failing; a corrupt one is refused', async () => {
  const database: TestDatabase = await createTestDatabase()
  await publish(database.pool, 'first')
  const serving = await startServing({ DATABASE_URL: database.url, RECOMMENDER_THREADS: '2' })
  const asked: ReturnType<typeof recommend>[] = []
  const answeredBy: (string | undefined)[] = []
  let isOver = false
  const traffic = async () => {
    while (!isOver) {
      const answer = recommend(serving, { items: [itemKeys[asked.length % 60]], n: 5 })
      asked.push(answer)
      answer.then(({ release }) => answeredBy.push(release)).catch(() => {})
      await pause(10)
    }
  }
  const sent = traffic()

  await vi.waitUntil(() => answeredBy.length > 100, { timeout: 30_000 })
  await publish(database.pool, 'second')
  await vi.waitUntil(() => answeredBy.at(-1) === 'second', { timeout: 30_000 })
  const corrupt = await writeSmallRelease(folder, trained, { releaseId: 'corrupt' })
  const manifest = parseManifest(await readFile(join(corrupt, 'manifest.json'), 'utf8'))
  const vectors = await readFile(join(corrupt, 'items.safetensors'))
  vectors[vectors.length - 1]! ^= 1
  await writeFile(join(corrupt, 'items.safetensors'), vectors)
  await announceRelease(database.pool, { manifest, location: corrupt })
  await vi.waitUntil(async () => (await ready(serving)).refused !== undefined, { timeout: 30_000 })
  isOver = true
  await sent

  const answers = await Promise.all(asked)
  expect(answers.filter(({ status, items }) => status !== 200 || items?.length !== 5)).toEqual([])
  expect(new Set(answeredBy)).toEqual(new Set(['first', 'second']))
  expect(await ready(serving)).toMatchObject({
    http: 200,
    status: 'ready',
    release: 'second',
    refused: { release: 'corrupt', reason: expect.stringMatching(/items\.safetensors .* hash/) }
  })
  await serving.end('SIGTERM')
  await database.drop()
}, 120_000)

test('without Postgres, questions that name items are answered, and all heals when it is back', async () => {
  const place = join(folder, 'postgres')
  const first = await startEmbeddedPostgres({ folder: place, log: silent })
  const pool = createPool(first.url, { log: silent })
  await migrate(pool, migrationsFolder, silent)
  await publish(pool, 'lonely')
  await pool.end()
  const serving = await startServing({ DATABASE_URL: first.url, RECOMMENDER_THREADS: '1' })
  expect(await ready(serving)).toMatchObject({ http: 200, status: 'ready' })

  await first.stop()

  await vi.waitUntil(async () => (await ready(serving)).status === 'degraded', { timeout: 30_000 })
  expect(await ready(serving)).toMatchObject({ http: 200, postgres: 'away', release: 'lonely' })
  expect(await recommend(serving, { items: ['item 1'], n: 5 })).toMatchObject({ status: 200 })
  expect(await recommend(serving, { session: 's1' })).toMatchObject({
    status: 503,
    code: 'DATABASE_UNAVAILABLE'
  })

  const second = await startEmbeddedPostgres({ folder: place, log: silent, port: first.port })

  await vi.waitUntil(async () => (await ready(serving)).status === 'ready', { timeout: 30_000 })
  expect(await recommend(serving, { session: 's1' })).toMatchObject({ status: 200 })
  expect(await serving.end('SIGTERM')).toBe(0)
  await second.stop()
}, 120_000)

test('connections to Postgres that go silent are given up, and a Postgres that does not answer is away', async () => {
  const database = await createTestDatabase()
  await publish(database.pool, 'silent')
  const proxy = await startSilentProxy(database.url)
  const serving = await startServing({ DATABASE_URL: proxy.url, RECOMMENDER_THREADS: '1' })
  const all = { items: ['item 1'], n: 60 }
  const isAnswered = async (key: string) => {
    const { items } = await serving.ask(all)
    return items.some(({ item }) => item === key)
  }
  expect(await isAnswered('item 7')).toBe(true)

  proxy.silenceOpen()
  await upsertItems(database.pool, [{ key: 'item 7', attributes: {}, isVisible: false }])
  await vi.waitUntil(async () => !(await isAnswered('item 7')), { timeout: 30_000 })

  proxy.silenceOpen()
  proxy.silenceNew(true)
  const [named, session, put] = await Promise.all([
    recommend(serving, { items: ['item 1'], n: 5 }),
    recommend(serving, { session: 's1' }),
    fetch(`${serving.url}/v1/items/x`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ attributes: {} })
    })
  ])
  expect(named).toMatchObject({ status: 200 })
  expect(session).toMatchObject({ status: 503, code: 'DATABASE_UNAVAILABLE' })
  expect(put.status).toBe(503)
  expect(await ready(serving)).toMatchObject({ http: 200, status: 'degraded', postgres: 'away' })
  proxy.silenceNew(false)
  await vi.waitUntil(async () => (await ready(serving)).status === 'ready', { timeout: 30_000 })

  proxy.silenceOpen()
  expect(await serving.end('SIGTERM')).toBe(0)
  await proxy.close()
  await database.drop()
}, 120_000)
