// `localhost` may stand for two addresses: what one of them does, the other does as well.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { announceEnd } from '#services/serving/drain.ts'
import { addressesOf, listenOn } from '#services/serving/listen.ts'
import type { App } from '#services/serving/serving-parts.ts'
import type { RecommendationAnswer } from '#shared/recommendations/recommender.ts'
import { skipOrFail } from '#test/support/missing.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'
import { alphabetRecommender, appOn, gate } from './serving-app.ts'

const both = ['127.0.0.1', '::1']
const { recommend } = alphabetRecommender()

let database: TestDatabase
let hasBoth: boolean
beforeAll(async () => {
  database = await createTestDatabase()
  hasBoth = await canListenOn('::1')
})
afterAll(() => database.drop())

let app: App | undefined
afterEach(async () => {
  await app?.close()
  app = undefined
})

async function canListenOn(host: string): Promise<boolean> {
  const server = createServer().listen(0, host)
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}

/** The rest of the test needs both addresses. */
function needsBoth(skip: (note: string) => void): void {
  if (!hasBoth) skipOrFail(skip, 'this machine has no address ::1')
}

async function listening(answering = recommend, addresses: readonly string[] = both) {
  app = await appOn(database.pool, { releaseId: () => 'r1', recommend: answering })
  await listenOn(app, addresses, 0)
  return (app.server.address() as AddressInfo).port
}

const question =
  'POST /v1/recommendations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n' +
  'Content-Length: 15\r\n\r\n{"items":["a"]}'

function open(port: number, host: string): Socket {
  const socket = connect(port, host)
  socket.on('error', () => undefined) // cut off while it still sends
  return socket
}

/** @returns what went wrong, or 'close' when the other side ended it. */
function endOf(socket: Socket): Promise<string | undefined> {
  return new Promise(resolve => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code))
    socket.once('close', () => resolve('close'))
    socket.resume()
  })
}

test.for(both)('what is no HTTP is answered with a problem at %s', async (host, { skip }) => {
  needsBoth(skip)
  const port = await listening()
  const socket = open(port, host)

  socket.write('GARBAGE\r\n\r\n')

  const answer = await text(socket)
  expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  expect(answer).toMatch(/\r\ncontent-type: application\/problem\+json/)
  expect(answer).toMatch(/"code":"REQUEST_INVALID"/)
})

test('what was asked at the second address is answered while closing, who asks nothing is let go', async ({
  skip
}) => {
  needsBoth(skip)
  const [begun, answered] = [gate(), gate()]
  const port = await listening(async (query): Promise<RecommendationAnswer> => {
    begun.open()
    await answered.opened
    return recommend(query)
  })
  const [asking, silent] = [open(port, '::1'), open(port, '::1')]
  await once(silent, 'connect')
  asking.write(question)
  await begun.opened

  let isClosed = false
  const closed = app!.close().then(() => {
    isClosed = true
  })

  expect(await endOf(silent)).toBe('close')
  expect(await endOf(open(port, '::1'))).toBe('ECONNREFUSED')
  expect(isClosed).toBe(false)
  answered.open()
  const answer = await text(asking)
  expect(answer).toMatch(/^HTTP\/1\.1 200 /)
  expect(answer).toMatch(/\r\nconnection: close\r\n/i)
  await closed
})

test('the end is announced as long as somebody is connected at any address', async ({ skip }) => {
  needsBoth(skip)
  const port = await listening()
  const socket = open(port, '::1')
  await once(socket, 'connect')
  const ending = { isNear: false }

  let isAnnounced = false
  const announced = announceEnd(app!, ending, 600_000).then(() => {
    isAnnounced = true
  })
  const response = await fetch(`http://127.0.0.1:${port}/health/live`, {
    headers: { connection: 'close' }
  })
  await response.text()

  expect([ending.isNear, isAnnounced]).toEqual([true, false])
  socket.destroy()
  await announced
})

test('an address that this machine does not have is left out', async () => {
  const port = await listening(recommend, ['127.0.0.1', '192.0.2.1'])

  const response = await fetch(`http://127.0.0.1:${port}/health/live`)

  expect(response.status).toBe(200)
})

test('a port that is taken at one address is an error', async ({ skip }) => {
  needsBoth(skip)
  const other = createServer().listen(0, '::1')
  await once(other, 'listening')
  app = await appOn(database.pool, { releaseId: () => 'r1', recommend })

  const asked = listenOn(app, both, (other.address() as AddressInfo).port)

  await expect(asked).rejects.toMatchObject({ code: 'EADDRINUSE' })
  other.close()
})

test('localhost stands for all of its addresses, every other host for itself', async () => {
  app = await appOn(database.pool)

  expect(await addressesOf('localhost')).toContain('127.0.0.1')
  expect(await addressesOf('0.0.0.0')).toEqual(['0.0.0.0'])
  expect(await addressesOf('example.org')).toEqual(['example.org'])
})
