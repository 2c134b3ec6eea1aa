// Turns whatever a route threw into a problem. Below 500 the fault is the caller's, who is told the
// whole message; from 500 up it is ours, and the message goes to the log only.
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { retryDelayMs } from '#shared/database/retry-delay.ts'
import { type ErrorCode, RecommenderError } from '#shared/runtime/errors.ts'
import { fieldFaults } from './field-faults.ts'
import { type ProblemFacts, sendFieldFaults, sendProblem } from './problem.ts'

/** Our own errors that are the caller's fault. */
const callersFault: readonly ErrorCode[] = ['ARGUMENT_INVALID', 'ITEM_INVALID']

const codeOfStatus: Readonly<Record<number, string>> = {
  404: 'NOT_FOUND',
  408: 'REQUEST_TIMEOUT',
  413: 'BODY_TOO_LARGE',
  415: 'MEDIA_TYPE_UNKNOWN',
  429: 'RATE_LIMITED'
}

/** The application's only error handler, also for errors before a route was found. */
export function answerError(
  error: FastifyError | RecommenderError,
  request: FastifyRequest,
  reply: FastifyReply
): FastifyReply {
  if ('validation' in error && error.validation) return sendFieldFaults(reply, fieldFaults(error))
  return sendProblem(reply, factsOf(error, request))
}

/** What the caller is told; what is not told is logged. */
export function factsOf(
  error: FastifyError | RecommenderError,
  request: FastifyRequest
): ProblemFacts {
  const status = statusOf(error)
  if (status < 500) {
    const code = error instanceof RecommenderError ? error.code : codeOfStatus[status]
    return { status, code: code ?? 'REQUEST_INVALID', detail: error.message }
  }
  // What may pass is counted by /metrics and told once by whoever polls: not again for each request.
  const level = status === 503 ? 'debug' : 'error'
  request.log[level]({ err: error, route: request.routeOptions.url }, 'request failed')
  return { status, ...hidden(error) }
}

/** 404 for a path, or a method on it, that no route has. */
export function answerNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const detail = `there is no ${request.method} ${request.url}; the routes are listed at /docs`
  return sendProblem(reply, { status: 404, code: 'NOT_FOUND', detail })
}

function statusOf(error: FastifyError | RecommenderError): number {
  if (error instanceof RecommenderError && callersFault.includes(error.code)) return 400
  if (!(error instanceof RecommenderError) && error.statusCode) return error.statusCode
  return mayPass(error) ? 503 : 500
}

/** Postgres's own errors carry no verdict; the table of its codes does. */
function mayPass(error: Error): boolean {
  if (error instanceof RecommenderError) return error.canRetry
  return retryDelayMs(error) !== undefined
}

function hidden(error: Error): { code: string; detail: string } {
  const detail = mayPass(error)
    ? 'not possible just now; try again'
    : 'something went wrong on our side; it is logged'
  if (error instanceof RecommenderError) return { code: error.code, detail }
  return { code: mayPass(error) ? 'DATABASE_UNAVAILABLE' : 'UNEXPECTED', detail }
}
