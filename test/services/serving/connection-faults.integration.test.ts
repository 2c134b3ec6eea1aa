// Requests that no HTTP library sends, over bare sockets.
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ServingApp, startServing } from './serving-app.ts'

let serving: ServingApp
let port: number
beforeAll(async () => {
  serving = await startServing()
  await serving.app.listen({ host: '127.0.0.1', port: 0 })
  port = (serving.app.server.address() as AddressInfo).port
})
afterAll(() => serving.close())

async function send(request: string) {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined) // cut off while it still sends
  socket.write(request)
  const [head = '', body = ''] = (await text(socket)).split('\r\n\r\n')
  const [first, ...lines] = head.split('\r\n')
  const headers = Object.fromEntries(lines.map(line => line.toLowerCase().split(': ')))
  return { status: Number(first?.split(' ')[1]), headers, problem: JSON.parse(body) }
}

const get = (path: string, headers = 'Host: localhost\r\n') =>
  `GET ${path} HTTP/1.1\r\n${headers}Connection: close\r\n\r\n`
const post = (headers: string, body = '') =>
  'POST /v1/recommendations HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n' +
  `Content-Type: application/json\r\n${headers}\r\n\r\n${body}`

describe('is answered with a problem:', () => {
  test.each([
    ['garbage', 'GARBAGE\r\n\r\n', 400, 'REQUEST_INVALID'],
    ['another protocol', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400, 'REQUEST_INVALID'],
    ['no such version', 'GET / HTTP/9.9\r\nHost: localhost\r\n\r\n', 400, 'REQUEST_INVALID'],
    ['a header without a name', get('/', ': x\r\n'), 400, 'REQUEST_INVALID'],
    ['headers of 20 kB', get('/', `X: ${'a'.repeat(20_000)}\r\n`), 431, 'HEADERS_TOO_LARGE'],
    ['no Host', get('/v1/items', ''), 400, 'REQUEST_INVALID'],
    ['a length that is none', post('Content-Length: abc'), 400, 'REQUEST_INVALID'],
    ['two lengths', post('Content-Length: 2\r\nContent-Length: 3', '{}'), 400, 'REQUEST_INVALID'],
    ['a chunk that is none', post('Transfer-Encoding: chunked', 'zz\r\n'), 400, 'REQUEST_INVALID'],
    ['an expectation', post('Expect: foo\r\nContent-Length: 2', '{}'), 417, 'EXPECTATION_FAILED'],
    ['CONNECT', 'CONNECT a:80 HTTP/1.1\r\nHost: localhost\r\n\r\n', 404, 'NOT_FOUND'],
    ['an unknown method', 'BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n', 400, 'REQUEST_INVALID'],
    ['a path that is none', get('/v1/items/%zz'), 400, 'REQUEST_INVALID'],
    ['another path under /v1', get('/v1/nothing'), 404, 'NOT_FOUND'],
    ['a body that is too large', post('Content-Length: 9000000', '{}'), 413, 'BODY_TOO_LARGE']
  ])('%s', async (_, request, status, code) => {
    const answer = await send(request)

    expect(answer.status).toBe(status)
    expect(answer.problem).toMatchObject({ status, code, detail: expect.stringMatching(/\w/) })
    expect(answer.headers).toMatchObject({
      'content-type': expect.stringMatching('^application/problem\\+json'),
      'cache-control': 'private, no-store',
      connection: 'close'
    })
  })
})
