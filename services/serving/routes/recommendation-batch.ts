// POST /v1/recommendations/batch: many questions in one request, as for mails. Answers are streamed as
// they come, one line for each question, in the order of the questions. A question at fault spoils no
// other: its line holds the problem.
import { Readable } from 'node:stream'
import { setImmediate as otherWork } from 'node:timers/promises'
import type { FastifyError, FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { standardQueue } from '#shared/recommendations/request-queue.ts'
import type { RecommenderError } from '#shared/runtime/errors.ts'
import { factsOf } from '../error-handler.ts'
import {
  type FieldFault,
  faultFacts,
  Problem,
  problemOf,
  problemResponse,
  sendFieldFaults,
  sendProblem
} from '../problem.ts'
import type { App, ServingParts } from '../serving-parts.ts'
import { answerOf, askRecommender } from './answer-question.ts'
import type { AnsweringTools } from './answering-tools.ts'
import { batchLimits } from './batch-limits.ts'
import { type Check, createCheck } from './filter.ts'
import { formFaults, Question, Recommendation } from './question.ts'
import { settleQuestion } from './settle-question.ts'

const mostQuestions = 10_000
/** Room for ten thousand questions of 800 bytes. */
const bodyLimit = 8 * 1024 * 1024
/** Questions whose faults are named when none can be asked. */
const faultsTold = 20
const mediaType = 'application/x-ndjson'

const BatchLine = Type.Union([Recommendation, Type.Object({ error: Problem })], {
  description: 'One line for each question, in their order'
})

const schema = {
  operationId: 'recommendBatch',
  tags: ['recommendations'],
  summary: `Answer up to ${mostQuestions} questions`,
  description:
    `Questions in an array, or one a line as ${mediaType}. Each is a body of POST /v1/recommendations, ` +
    'and is answered by a line: a recommendation, or an `error`. Lines come as they are computed. ' +
    'The status is 400 when no question could be asked.',
  body: Type.Array(Question, { minItems: 1, maxItems: mostQuestions }),
  response: {
    200: {
      description: 'A line of JSON for each question',
      content: { [mediaType]: { schema: Type.Unsafe<Readable>(BatchLine) } }
    },
    400: problemResponse('No question could be asked; `errors` says why'),
    413: problemResponse('The body is larger than 8 MiB'),
    503: problemResponse('Too many batches are being answered: try again')
  }
}

/** A question as it was sent: as a value, or as a line that may not be JSON. */
type Sent = { readonly value: unknown } | { readonly line: string }

class Lines {
  readonly sent: readonly Sent[]

  constructor(text: string) {
    this.sent = questionLines(text)
  }
}

/** All lines but empty ones; of too many only as many as show that: a body may have millions. */
function questionLines(text: string): Sent[] {
  const sent: Sent[] = []
  for (let from = 0; from < text.length && sent.length <= mostQuestions; ) {
    const end = text.indexOf('\n', from)
    const line = text.slice(from, end < 0 ? text.length : end)
    if (line.trim() !== '') sent.push({ line })
    from += line.length + 1
  }
  return sent
}

/** Adds the route. Its schema only describes the body: a question is checked by itself below. */
export function addRecommendationBatch(v1: App, parts: ServingParts, tools: AnsweringTools): void {
  const check = createCheck(v1, Question)
  const validatorCompiler = () => () => true
  const { atATime, askedAhead } = parts.batches ?? batchLimits(standardQueue.length)
  let underWay = 0
  void v1.register(async (app: App) => {
    app.addContentTypeParser(
      mediaType,
      { parseAs: 'string', bodyLimit },
      async (_: unknown, body: unknown) => new Lines(String(body))
    )
    app.post(
      '/recommendations/batch',
      { schema, bodyLimit, validatorCompiler },
      async (request, reply) => {
        const sent = sentIn(request.body)
        if (!sent || sent.length === 0 || sent.length > mostQuestions) {
          const found = sent ? foundQuestions(sent.length) : ' in an array or in lines'
          const message = `must have 1 to ${mostQuestions} questions${found}`
          return sendFieldFaults(reply, [{ field: 'body', message }])
        }
        if (!(await canAskAny(sent, check))) {
          const faults = sent.slice(0, faultsTold).flatMap((each, i) => placed(i, each, check))
          return sendFieldFaults(reply, faults)
        }
        if (underWay >= atATime) {
          const detail = `${atATime} batches are being answered already; try again`
          return sendProblem(reply, { status: 503, code: 'OVERLOADED', detail })
        }
        if (reply.raw.destroyed) return reply // nobody waits any more
        underWay++
        reply.raw.once('close', () => underWay--)
        const answering = { check, parts, tools, request }
        const lines = inOrder(sent, askedAhead, each => lineOf(each, answering))
        return reply.type(mediaType).send(Readable.from(lines, { objectMode: false }))
      }
    )
  })
}

/** Of lines, no more are counted. */
function foundQuestions(count: number): string {
  return count > mostQuestions ? ', not more' : `, not ${count}`
}

function sentIn(body: unknown): readonly Sent[] | undefined {
  if (body instanceof Lines) return body.sent
  return Array.isArray(body) ? body.map(value => ({ value })) : undefined
}

/** Faulty questions are many and long at worst: between two of them others have their turn. */
async function canAskAny(all: readonly Sent[], check: Check): Promise<boolean> {
  for (const each of all) {
    if (faultsIn(each, check).length === 0) return true
    await otherWork()
  }
  return false
}

/** Some are under way at a time. When nobody reads any more, no further one is begun. */
async function* inOrder<T>(
  all: readonly T[],
  askedAhead: number,
  answer: (one: T) => Promise<string>
): AsyncGenerator<string> {
  const begun: Promise<string>[] = []
  for (const one of all) {
    begun.push(answer(one))
    if (begun.length >= askedAhead) yield await begun.shift()!
  }
  for (const line of begun) yield await line
}

interface Answering {
  readonly check: Check
  readonly parts: ServingParts
  readonly tools: AnsweringTools
  readonly request: FastifyRequest
}

/** Never fails: what goes wrong is in the line. */
async function lineOf(sent: Sent, answering: Answering): Promise<string> {
  let line: Recommendation | { error: Problem }
  try {
    line = await answerTo(sent, answering)
  } catch (error) {
    line = {
      error: problemOf(factsOf(error as FastifyError | RecommenderError, answering.request))
    }
  }
  return `${JSON.stringify(line)}\n`
}

async function answerTo(
  sent: Sent,
  { check, parts, tools }: Answering
): Promise<Recommendation | { error: Problem }> {
  const wrongForm = faultsIn(sent, check)
  if (wrongForm.length > 0) {
    await otherWork()
    return faulty(wrongForm)
  }
  const settled = await settleQuestion(questionIn(sent) as Question, parts, tools)
  if ('faults' in settled) return faulty(settled.faults)
  return answerOf(await askRecommender(settled, parts), settled, parts, tools)
}

/** What is wrong with a question, whatever the catalogue has. */
function faultsIn(sent: Sent, check: Check): FieldFault[] {
  const value = questionIn(sent)
  if (value === undefined) return [{ field: 'question', message: 'is not JSON' }]
  const faults = check(value, 'question')
  return faults.length > 0 ? faults : formFaults(value as Question)
}

function placed(place: number, sent: Sent, check: Check): FieldFault[] {
  return faultsIn(sent, check).map(({ field, message }) => ({
    field: field === 'question' ? `[${place}]` : `[${place}].${field}`,
    message
  }))
}

function questionIn(sent: Sent): unknown {
  return 'value' in sent ? sent.value : parsed(sent.line)
}

function faulty(faults: FieldFault[]): { error: Problem } {
  return { error: problemOf(faultFacts(faults)) }
}

/** JSON has no undefined. */
function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
