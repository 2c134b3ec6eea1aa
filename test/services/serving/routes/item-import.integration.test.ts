import type { ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { readItem } from '#shared/catalog/read-items.ts'
import { type ServingApp, startServing } from '../serving-app.ts'

let serving: ServingApp
beforeAll(async () => {
  serving = await startServing()
})
afterAll(() => serving.close())

async function send(payload: string | Buffer | Readable, type = 'application/x-ndjson') {
  const headers = { 'content-type': type }
  const response = await serving.app.inject({ method: 'POST', url: '/v1/items', headers, payload })
  return { status: response.statusCode, body: response.json() }
}

function line(id: string, attributes: object = { title: `Item ${id}` }): string {
  return `${JSON.stringify({ id, attributes })}\n`
}

async function countItems(pattern: string): Promise<number> {
  const { rows } = await serving.database.pool.query(
    'select count(*)::integer as count from items where item_key like $1',
    [pattern]
  )
  return rows[0].count
}

test('lines are items; those at fault are told by their number and left out', async () => {
  const lines = [
    line('n1'),
    '{"id": "n2"}\n',
    '\r\n',
    line('n3', { price: 3 }),
    'no JSON\n',
    line('n1', { title: 'the last one counts' }),
    '{"id": "n4", "attributes": {}, "visible": false}' // the last line need not end
  ]

  const { status, body } = await send(lines.join(''))

  expect(status).toBe(200)
  expect(body).toEqual({
    lines: 7,
    accepted: 4,
    rejected: 2,
    faults: [
      { line: 2, field: 'attributes', reason: expect.stringContaining('attributes is missing') },
      { line: 5, reason: 'the message is not JSON' }
    ]
  })
  const { pool } = serving.database
  expect((await readItem(pool, 'n1'))?.attributes).toEqual({ title: 'the last one counts' })
  expect((await readItem(pool, 'n4'))?.isVisible).toBe(false)
  expect(await readItem(pool, 'n2')).toBeUndefined()
})

test('a hundred thousand items come in one request, in pieces that respect no line', async () => {
  const whole = Buffer.from(
    Array.from({ length: 100_000 }, (_, i) => line(`bulk ${i}`, {})).join('')
  )
  const size = 65_521
  const pieces = Array.from({ length: Math.ceil(whole.length / size) }, (_, i) =>
    whole.subarray(i * size, (i + 1) * size)
  )

  const { status, body } = await send(Readable.from(pieces))

  expect(status).toBe(200)
  expect(body).toEqual({ lines: 100_000, accepted: 100_000, rejected: 0, faults: [] })
  expect(await countItems('bulk %')).toBe(100_000)
}, 120_000)

test('of many faults the first hundred are told, and all are counted', async () => {
  const { body } = await send(`${'{}\n'.repeat(250)}${line('good')}`)

  expect(body).toMatchObject({ lines: 251, accepted: 1, rejected: 250 })
  expect(body.faults).toHaveLength(100)
})

test('a line that is too long is rejected without being kept, the one after it is read', async () => {
  const { body } = await send(`${'x'.repeat(300_000)}\n${line('after')}`)

  expect(body).toMatchObject({ accepted: 1, rejected: 1, faults: [{ line: 1 }] })
  expect(body.faults[0].reason).toBe('the line is longer than 262144 bytes')
})

test.each([
  ['', 'body'],
  ['\n\n', 'body'],
  ['{}\n[]\n', 'line 1, id']
])('%j has no item in it and is refused for its field %s', async (payload, field) => {
  const { status, body } = await send(payload)

  expect(status).toBe(400)
  expect(body.errors[0]).toMatchObject({ field })
})

test('another media type is refused', async () => {
  const { status, body } = await send('[]', 'application/json')

  expect(status).toBe(415)
  expect(body.code).toBe('MEDIA_TYPE_UNKNOWN')
})

test('where the body breaks off, what came before is kept', async () => {
  const broken = Readable.from(
    (async function* () {
      yield Array.from({ length: 2500 }, (_, i) => line(`half ${i}`, {})).join('')
      throw new Error('the client went away')
    })()
  )

  await send(broken).catch(() => undefined)

  const isKept = async () => (await countItems('half %')) === 2000 // whole batches of a thousand
  await vi.waitUntil(isKept, { timeout: 30_000 })
})

test('a client that hangs up is no fault of ours or of Postgres', async () => {
  await serving.app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = serving.app.server.address() as AddressInfo
  let answer: ServerResponse | undefined
  serving.app.server.once('request', (_, response) => {
    answer = response
  })
  const socket = connect(port, '127.0.0.1')
  const head =
    'POST /v1/items HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-ndjson\r\n'
  socket.write(`${head}content-length: 1000000\r\n\r\n${line('cut off').repeat(1001)}`)
  await vi.waitUntil(async () => (await countItems('cut off')) === 1, { timeout: 30_000 })

  socket.resetAndDestroy()
  await vi.waitUntil(() => answer?.statusCode !== 200, { timeout: 20_000 })

  expect(answer?.statusCode).toBe(400) // that nobody hears
})
