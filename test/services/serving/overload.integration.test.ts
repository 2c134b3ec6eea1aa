// More than can be answered, asked of the real threads over HTTP.
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { FollowedRelease } from '#services/serving/live-recommender.ts'
import { batchLimits } from '#services/serving/routes/batch-limits.ts'
import type { App } from '#services/serving/serving-parts.ts'
import { startRecommender } from '#shared/recommendations/recommender.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'
import { publishSmallRelease, smallModel } from '#test/support/small-release.ts'
import { useBackend } from '#test/support/tensorflow.ts'
import { appOn, silent } from './serving-app.ts'

const itemKeys = Array.from({ length: 60 }, (_, i) => `item ${i}`)
/** Of few questions, so that the test overloads it by not many more; each has time, also on a busy machine. */
const queue = { length: 2, deadlineMs: 60_000 }

let folder: string
let database: TestDatabase
let release: FollowedRelease
let app: App
let url: string
beforeAll(async () => {
  await useBackend('cpu')
  folder = await mkdtemp(join(tmpdir(), 'nextrie-overload-'))
  database = await createTestDatabase()
  const { pool } = database
  await publishSmallRelease(pool, { folder, trained: smallModel(itemKeys), releaseId: 'r1' })
  release = new FollowedRelease({
    pool,
    log: silent,
    start: folder => startRecommender({ folder, log: silent, threads: 1, queue })
  })
  await release.refresh()
  app = await appOn(pool, release, { batches: batchLimits(queue.length) })
  await app.listen({ host: '127.0.0.1', port: 0 })
  url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}/v1/recommendations`
}, 60_000)
afterAll(async () => {
  await app.close()
  await release.close()
  await database.drop()
  await rm(folder, { recursive: true, force: true })
})

function post(path: string, type: string, body: string): Promise<Response> {
  return fetch(`${url}${path}`, { method: 'POST', headers: { 'content-type': type }, body })
}

const costly = JSON.stringify({ items: itemKeys.slice(0, 8), n: 20, explain: true })

test('what finds no room is refused at once with the time to come again, the rest is answered', async () => {
  const ask = () => post('', 'application/json', costly)

  const answers = await Promise.all(Array.from({ length: 150 }, ask))

  const refused = answers.filter(({ status }) => status === 503)
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 503]))
  for (const answer of refused) {
    expect(answer.headers.get('retry-after')).toBe('1')
    expect(await answer.json()).toMatchObject({ code: 'OVERLOADED', status: 503 })
  }
  expect((await ask()).status).toBe(200)
})

test('batches do not overload a service with a short queue by themselves', async () => {
  const batch = async () => {
    const lines = `${costly}\n`.repeat(40)
    const response = await post('/batch', 'application/x-ndjson', lines)
    return (await response.text())
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
  }

  const [first, second] = await Promise.all([batch(), batch()])

  for (const lines of [first!, second!]) {
    expect(lines).toHaveLength(40)
    expect(lines.filter(({ error }) => error)).toEqual([])
  }
})
