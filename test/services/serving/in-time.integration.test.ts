// A question does not wait for Postgres longer than it may, and what it gave up waiting for harms no other:
// asked while another transaction keeps what the question needs.
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createPatience } from '#services/serving/in-time.ts'
import { recommendationId } from '#services/serving/recommendation-id.ts'
import type { App } from '#services/serving/serving-parts.ts'
import { upsertItems } from '#shared/catalog/write-items.ts'
import { createPool, type Pool } from '#shared/database/pool.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'
import { startServing } from '#test/support/serving.ts'
import { publishSmallRelease, smallModel } from '#test/support/small-release.ts'
import { useBackend } from '#test/support/tensorflow.ts'
import { alphabetRecommender, appOn, gate } from './serving-app.ts'

/** On a busy machine. */
const patience = { timeout: 20_000 }

let database: TestDatabase
let pool: Pool
let app: App
beforeAll(async () => {
  database = await createTestDatabase()
  const items = [...'abcdef'].map(key => ({ key, attributes: { price: 1 }, isVisible: true }))
  await upsertItems(database.pool, items)
  pool = createPool(database.url, { size: 2 })
  const { recommend } = alphabetRecommender()
  app = await appOn(pool, { releaseId: () => 'r1', recommend }, { patienceMs: 100 })
})
afterAll(async () => {
  await app.close()
  await pool.end()
  await database.drop()
})

/** Runs `act` while nobody else can read the relation; who waits on and on is let in at last, and answered. */
async function whileLocked<T>(relation: string, act: () => Promise<T>): Promise<T> {
  const holder = await database.pool.connect()
  let isLost = false
  holder.on('error', () => {
    isLost = true
  })
  await holder.query(
    `begin; set local idle_in_transaction_session_timeout = '15s';
     lock table ${relation} in access exclusive mode`
  )
  try {
    return await act()
  } finally {
    if (!isLost) await holder.query('rollback')
    holder.release(true)
  }
}

function post(url: string, payload: object) {
  return app.inject({ method: 'POST', url: `/v1/recommendations${url}`, payload })
}

test.each([
  ['a stored session', 'session_tails', { session: 's1' }, 200],
  ['the page before', 'kept_answers', { next: recommendationId(1, randomUUID()) }, 400],
  ['a scenario that was never read', 'scenarios', { items: [], scenario: 'home' }, 400],
  ['the names of attributes', 'items', { items: [], filter: { attribute: 'price', max: 2 } }, 200],
  ['attributes', 'items', { items: [], attributes: true }, 200]
])('%s is not waited for longer than a question may', async (_, relation, question, usually) => {
  const refused = await whileLocked(relation, () =>
    Promise.all([post('', question), post('', question), post('', question)])
  )

  for (const response of refused) {
    expect(response.statusCode).toBe(503)
    expect(response.headers['retry-after']).toBeDefined()
    expect(response.json()).toMatchObject({ code: 'DATABASE_UNAVAILABLE' })
  }
  const isAnswered = async () => (await post('', question)).statusCode === usually
  await vi.waitUntil(isAnswered, patience)
  const isAtRest = () => pool.waitingCount === 0 && pool.idleCount === pool.totalCount
  await vi.waitUntil(isAtRest, patience)
})

test('of a batch only the questions that need Postgres are refused', async () => {
  const payload = [{ session: 's1' }, { items: ['a'] }]

  const { body } = await whileLocked('session_tails', () => post('/batch', payload))

  const [stored, named] = body
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  expect(stored).toMatchObject({ error: { status: 503, code: 'DATABASE_UNAVAILABLE' } })
  expect(named).toMatchObject({ items: expect.any(Array) })
})

test('what a question waits for counts together', async () => {
  const wait = createPatience(50)
  const never = gate().opened
  await expect(wait(never, 'the first')).rejects.toThrow('the first could not be read in')

  const second = wait(never, 'the second')

  await expect(second).rejects.toThrow('the second could not be read in 0 ms; try again')
})

test('without a limit a question waits', async () => {
  const answer = gate()
  const waited = createPatience(undefined)(
    answer.opened.then(() => 'there'),
    'it'
  )

  answer.open()

  expect(await waited).toBe('there')
})

test('the program waits as long as REQUEST_DEADLINE_MS says', async () => {
  await useBackend('cpu')
  const folder = await mkdtemp(join(tmpdir(), 'nextrie-in-time-'))
  const trained = smallModel([...'abcdef'])
  await publishSmallRelease(database.pool, { folder, trained, releaseId: 'r1' })
  const serving = await startServing({
    DATABASE_URL: database.url,
    RECOMMENDER_THREADS: '1',
    REQUEST_DEADLINE_MS: '345',
    LOG_LEVEL: 'debug'
  })
  const ask = async (question: object) => {
    const response = await fetch(`${serving.url}/v1/recommendations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(question)
    })
    return response.status
  }
  const filter = { attribute: 'price', max: 2 }
  await vi.waitUntil(async () => (await ask({ items: [], filter })) === 200, patience)

  const stored = await whileLocked('session_tails', () => ask({ session: 's1' }))
  const other = { attribute: 'price', max: 3 }
  const filtered = await whileLocked('items', () => ask({ items: [], filter: other }))

  expect([stored, filtered]).toEqual([503, 503])
  expect(serving.lines.join('\n')).toMatch(/the session could not be read in 3\d\d ms/)
  expect(serving.lines.join('\n')).toMatch(/the items of this filter could not be read in 3\d\d ms/)
  await serving.end('SIGTERM')
  await rm(folder, { recursive: true, force: true })
}, 60_000)
