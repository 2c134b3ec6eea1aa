import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import fastify from 'fastify'
import { expect, test } from 'vitest'
import { limitReading } from '#services/serving/limit-reading.ts'
import type { App } from '#services/serving/serving-parts.ts'

async function serve(timeoutMs: number) {
  const app = fastify() as unknown as App
  limitReading(app, timeoutMs)
  app.post('/', async () => ({ read: true }))
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  return { app, socket }
}

const head = 'POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n'

test('a client that does not send its body is cut off', async () => {
  const { app, socket } = await serve(20)

  socket.write(`${head}content-length: 10\r\n\r\n{"half`)

  expect(await text(socket)).toMatch(
    /^HTTP\/1.1 408 Request Timeout.*problem\+json.*"code":"REQUEST_TIMEOUT"/s
  )
  await app.close()
})

test('one that sends it is answered', async () => {
  const { app, socket } = await serve(60_000)

  socket.write(`${head}content-length: 2\r\n\r\n{}`)

  expect(await text(socket)).toMatch(/^HTTP\/1.1 200 .*\{"read":true\}/s)
  await app.close()
})
