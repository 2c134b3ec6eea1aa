// Clients that take no answers, or send no questions, and the end of a process that others are asking.
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, type ClientRequest, request } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ServingParts } from '#services/serving/serving-parts.ts'
import { upsertItems } from '#shared/catalog/write-items.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'
import { startServing } from '#test/support/serving.ts'
import { publishSmallRelease, smallModel } from '#test/support/small-release.ts'
import { useBackend } from '#test/support/tensorflow.ts'
import { alphabetRecommender, appOn } from './serving-app.ts'

const { recommend } = alphabetRecommender()
const patience = { timeout: 20_000 }

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
  const attributes = { text: 'x'.repeat(50_000) }
  const items = [...'abcdef'].map(key => ({ key, attributes, isVisible: true }))
  await upsertItems(database.pool, items)
})
afterAll(() => database.drop())

async function listen(connections: NonNullable<ServingParts['connections']>) {
  const recommender = { releaseId: () => 'r1', recommend }
  const app = await appOn(database.pool, recommender, { connections })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const client = connect(port, '127.0.0.1')
  client.on('error', () => undefined)
  const [socket] = (await once(app.server, 'connection')) as [Socket]
  return { app, client, socket }
}

/** Far more than all buffers between the two hold; nothing of the answer is read. */
function sendUnread(client: Socket): void {
  const body = '{"items":["a"],"attributes":true}\n'.repeat(400)
  client.write(
    'POST /v1/recommendations/batch HTTP/1.1\r\nHost: localhost\r\n' +
      `Content-Type: application/x-ndjson\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  )
}

test('a client that takes nothing of its answer is cut off', async () => {
  const { app, client, socket } = await listen({ stalledMs: 200 })

  sendUnread(client)

  await expect.poll(() => socket.destroyed, patience).toBe(true)
  expect(socket.bytesWritten).toBeGreaterThan(0)
  client.destroy()
  await app.close()
})

test('closing waits neither for one that takes nothing nor for one that sends nothing', async () => {
  const { app, client, socket } = await listen({ closingStalledMs: 200 })
  const silent = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  await once(app.server, 'connection')
  sendUnread(client)
  await expect.poll(() => socket.writableLength, patience).toBeGreaterThan(0)

  await app.close()

  expect(socket.destroyed).toBe(true)
  client.destroy()
  silent.destroy()
})

test('readiness says that the end is near, and all else is answered on', async () => {
  const ending = { isNear: false }
  const app = await appOn(database.pool, { releaseId: () => 'r1', recommend }, { ending })
  const ready = () => app.inject({ method: 'GET', url: '/health/ready' })
  expect((await ready()).statusCode).toBe(200)

  ending.isNear = true

  expect((await ready()).statusCode).toBe(503)
  expect((await ready()).json()).toMatchObject({ status: 'stopping' })
  const payload = { items: ['a'] }
  const answer = await app.inject({ method: 'POST', url: '/v1/recommendations', payload })
  expect(answer.statusCode).toBe(200)
  await app.close()
})

test('of a process that is asked all the time no request fails when it is told to stop', async () => {
  await useBackend('cpu')
  const folder = await mkdtemp(join(tmpdir(), 'nextrie-drain-'))
  const own = await createTestDatabase()
  const itemKeys = Array.from({ length: 60 }, (_, i) => `item ${i}`)
  await publishSmallRelease(own.pool, { folder, trained: smallModel(itemKeys), releaseId: 'r1' })
  const serving = await startServing({
    DATABASE_URL: own.url,
    RECOMMENDER_THREADS: '1',
    REQUEST_DEADLINE_MS: '60000', // a busy machine
    SHUTDOWN_GRACE_MS: '300'
  })
  const agent = new Agent({ keepAlive: true, maxSockets: 32 })
  const ends: string[] = []
  let answered = 0
  const client = async () => {
    for (;;) {
      const outcome = await ask(request(`${serving.url}/v1/recommendations`, { ...post, agent }))
      if (outcome !== '200') return ends.push(outcome)
      answered++
    }
  }
  const clients = Array.from({ length: 32 }, client)
  await expect.poll(() => answered, patience).toBeGreaterThan(300)

  const exitCode = await serving.end('SIGTERM')
  await Promise.all(clients)

  expect(new Set(ends)).toEqual(new Set(['ECONNREFUSED']))
  expect(exitCode).toBe(0)
  agent.destroy()
  await own.drop()
  await rm(folder, { recursive: true, force: true })
}, 60_000)

const post = { method: 'POST', headers: { 'content-type': 'application/json' } }

/** @returns the status, or what went wrong. */
function ask(asked: ClientRequest): Promise<string> {
  return new Promise(resolve => {
    asked.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    asked.on('response', response => {
      response.on('error', (error: NodeJS.ErrnoException) => resolve(`${error.code} in the body`))
      response.on('end', () => resolve(String(response.statusCode)))
      response.resume()
    })
    asked.end('{"items":["item 1","item 2"],"n":5}')
  })
}
