// Faults below the routes: what is no HTTP, or none that we speak. Node answers some of them with an
// empty body and Fastify others in a form of its own; here they become problems like all others.
import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { type ProblemFacts, problemMediaType, problemOf, sendProblem } from './problem.ts'
import type { App } from './serving-parts.ts'

/** Of Node's codes; all others that its parser has (HPE_…) are a 400. */
const factsOfCode: Readonly<Record<string, ProblemFacts>> = {
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    code: 'REQUEST_TIMEOUT',
    detail: 'the request did not come in time'
  },
  HPE_HEADER_OVERFLOW: {
    status: 431,
    code: 'HEADERS_TOO_LARGE',
    detail: 'the headers have more than 16 KiB'
  },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: {
    status: 413,
    code: 'BODY_TOO_LARGE',
    detail: 'the extensions of the chunks have more than 16 KiB'
  }
}

/** A whole answer as text, for a connection that has no reply. */
export function rawProblem(facts: ProblemFacts): string {
  const { status, headers, body } = written(facts)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`
}

function written(facts: ProblemFacts) {
  const body = JSON.stringify(problemOf(facts))
  const headers = {
    'content-type': problemMediaType,
    'cache-control': 'private, no-store',
    'content-length': Buffer.byteLength(body),
    connection: 'close'
  }
  return { status: facts.status, headers, body }
}

/** For Fastify's `clientErrorHandler`: a fault found while a request was being read. */
export function answerUnreadable(
  error: { readonly code?: string; readonly message: string; readonly reason?: string },
  socket: Socket
): void {
  const { code = '' } = error
  const isTold = code in factsOfCode || code.startsWith('HPE_')
  // Node's own handler looks there, too: what is sent already cannot be unsaid.
  const answer = (socket as Socket & { _httpMessage?: ServerResponse | null })._httpMessage
  if (!isTold || !socket.writable || answer?.headersSent) {
    socket.destroy()
    return
  }
  const detail = `this is not HTTP: ${error.reason ?? error.message}`
  socket.end(rawProblem(factsOfCode[code] ?? { status: 400, code: 'REQUEST_INVALID', detail }))
  socket.destroySoon()
}

/** The others; needs `requireHostHeader: false`, or Node answers one of them itself. */
export function answerConnectionFaults(app: App): void {
  app.addHook('onRequest', async ({ raw }, reply) => {
    if (raw.headers.host !== undefined || raw.httpVersion !== '1.1') return
    const detail = 'the header Host is missing'
    return sendProblem(reply, { status: 400, code: 'REQUEST_INVALID', detail })
  })
  app.server.on('checkExpectation', (request, response: ServerResponse) => {
    const detail = `of Expect only 100-continue can be met, not ${request.headers.expect}`
    const { status, headers, body } = written({ status: 417, code: 'EXPECTATION_FAILED', detail })
    response.writeHead(status, headers).end(body)
  })
  app.server.on('connect', (request, socket) => {
    const detail = `there is no CONNECT ${request.url}: this is no proxy`
    socket.end(rawProblem({ status: 404, code: 'NOT_FOUND', detail }))
  })
}
