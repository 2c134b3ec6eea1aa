// POST /v1/items: many items in one request, a line of JSON each. They are written while they are read, so
// that a request of any size takes little memory; a line at fault spoils no other.
import { Readable } from 'node:stream'
import type { FastifyError } from 'fastify'
import { type Static, Type } from 'typebox'
import { type CheckedLine, importItems, type RejectedLine } from '#shared/catalog/import-items.ts'
import { decodeItem } from '#shared/events/decode-item.ts'
import { ItemMessage } from '#shared/events/item-message.ts'
import { factsOf } from '../error-handler.ts'
import { type FieldFault, problemResponse, sendFieldFaults, sendProblem } from '../problem.ts'
import type { App, ServingParts } from '../serving-parts.ts'

const mediaType = 'application/x-ndjson'
const mostBytes = 256 * 1024 * 1024
/** Lines at fault that are told; all are counted. */
const faultsTold = 100
/** A client that sends nothing for so long is cut off. */
const silenceMs = 30_000

const Fault = Type.Object({
  line: Type.Integer({ description: 'Counted from 1' }),
  field: Type.Optional(Type.String({ description: 'The first field at fault' })),
  reason: Type.String({ description: 'Why it was rejected' })
})

const Outcome = Type.Object(
  {
    lines: Type.Integer({ description: 'Lines read, empty ones too' }),
    accepted: Type.Integer({ description: 'Items that are in the catalogue now' }),
    rejected: Type.Integer(),
    faults: Type.Array(Fault, {
      description: `The first ${faultsTold} of the rejected lines`
    })
  },
  { description: 'What became of the lines' }
)

const schema = {
  operationId: 'importItems',
  tags: ['items'],
  summary: 'Add many items, or describe them anew',
  description:
    `An item a line as ${mediaType}, each as on the items topic: {"id": …, "attributes": …}. A line at ` +
    'fault is told and left out. Items are written in batches while the body is read; to send them ' +
    'again changes nothing. The status is 400 when no line was accepted.',
  body: { content: { [mediaType]: { schema: ItemMessage } } },
  response: {
    200: Outcome,
    400: problemResponse('No line was accepted; `errors` says why'),
    413: problemResponse('The body is larger than 256 MiB'),
    503: problemResponse('The catalogue is away: `detail` says how many lines it has; send again')
  }
}

/** Adds the route. The body is a stream: nothing reads it before the route does. */
export function addItemImport(v1: App, parts: ServingParts): void {
  const validatorCompiler = () => () => true
  void v1.register(async (app: App) => {
    app.removeAllContentTypeParsers()
    app.addContentTypeParser(mediaType, async (_: unknown, payload: unknown) => payload)
    app.post('/items', { schema, validatorCompiler }, async (request, reply) => {
      const body: unknown = request.body
      if (!(body instanceof Readable)) return sendFieldFaults(reply, [noItems])
      const progress = { lines: 0 }
      const faults: RejectedLine[] = []
      try {
        const outcome = await importItems({
          connection: parts.pool,
          chunks: chunksOf(body),
          check,
          onRejected: rejected => {
            if (faults.length < faultsTold) faults.push(rejected)
          },
          onProgress: ({ lines }) => {
            progress.lines = lines
          }
        })
        if (outcome.accepted > 0) return { ...outcome, faults: faults.map(toWire) }
        return sendFieldFaults(reply, faults.length > 0 ? faults.map(fieldFault) : [noItems])
      } catch (error) {
        reply.header('connection', 'close') // the rest of the body is not read
        const facts = factsOf(error as FastifyError, request)
        const detail = `${facts.detail}; what stands in the first ${progress.lines} lines is kept`
        return sendProblem(reply, { ...facts, detail })
      }
    })
  })
}

const noItems: FieldFault = { field: 'body', message: `must have an item a line, as ${mediaType}` }

function check(line: Uint8Array): CheckedLine {
  const decoded = decodeItem({ key: null, value: line })
  if ('removedKey' in decoded) return { rejected: 'it names no item' } // only a message without value
  return decoded
}

/** The body as it comes, as long as it comes. */
async function* chunksOf(body: Readable): AsyncGenerator<Uint8Array> {
  const chunks = body[Symbol.asyncIterator]()
  let bytes = 0
  for (;;) {
    const silence = setTimeout(() => body.destroy(silent()), silenceMs)
    const next = await chunks
      .next()
      .catch(error => Promise.reject(error.statusCode ? error : brokenOff(error)))
      .finally(() => clearTimeout(silence))
    if (next.done) return
    bytes += next.value.length
    if (bytes > mostBytes) throw tooLarge()
    yield next.value
  }
}

function silent(): Error {
  const message = `nothing was sent for ${silenceMs / 1000} seconds`
  return Object.assign(new Error(message), { statusCode: 408 })
}

/** The caller's, too: what broke is not the way to Postgres, which may say it in the same words. */
function brokenOff(cause: Error): Error {
  const error = new Error(`the body broke off: ${cause.message}`, { cause })
  return Object.assign(error, { statusCode: 400 })
}

function tooLarge(): Error {
  return Object.assign(new Error('the body is larger than 256 MiB: send it in parts'), {
    statusCode: 413
  })
}

function toWire({ line, field, rejected }: RejectedLine): Static<typeof Fault> {
  return { line, ...(field && { field }), reason: rejected }
}

function fieldFault({ line, field, rejected }: RejectedLine): FieldFault {
  return { field: field ? `line ${line}, ${field}` : `line ${line}`, message: rejected }
}
