// Who may ask what, and how often. Each request under /v1 passes three gates before its body is read:
// whose it is, whether they asked too often, and whether their role allows the route.
import type { FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { mayAct, type Role } from '#shared/apikeys/api-key.ts'
import { isLoopback } from './guard-address.ts'
import type { KnownKey } from './known-keys.ts'
import { problemResponse, sendProblem } from './problem.ts'
import { limitRequests } from './rate-limit.ts'
import type { App, ServingParts } from './serving-parts.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The key that was sent, if it is valid. */
    apiKey: KnownKey | undefined
  }
}

const reading = /^\/v1\/(recommendations|items|schemas|scenarios)(\/|$)/
const writing = /^\/v1\/(events|items)(\/|$)/

/** The role that a route needs: admin, unless it is known to need less. */
export function neededRole(method: string, path: string): Role {
  if (/^(GET|HEAD)$/.test(method) && reading.test(path)) return 'read'
  if (method === 'POST' && /^\/v1\/recommendations(\/|$)/.test(path)) return 'read'
  return writing.test(path) ? 'write' : 'admin'
}

/** Guards every route of this scope that is added after it. */
export async function authorize(
  app: App,
  { keys, requestsPerMinute }: Pick<ServingParts, 'keys' | 'requestsPerMinute'>
): Promise<void> {
  app.decorateRequest('apiKey', undefined)
  app.addHook('onRoute', describeGuard)
  app.addHook('onRequest', async request => {
    request.apiKey = await keys.find(bearerOf(request) ?? '')
  })
  await limitRequests(app, requestsPerMinute)
  app.addHook('onRequest', async (request, reply) => {
    if (!(await keys.areRequired())) return refuseOtherHosts(request, reply)
    return request.apiKey ? refuseOthers(request, reply) : refuseUnknown(request, reply)
  })
}

/**
 * Without keys everybody on this machine may ask, but no page that their browser shows: one can give its own name
 * our address (DNS rebinding), and then the name is what tells it from a page of ours.
 */
function refuseOtherHosts(request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
  const name = request.hostname.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  if (isLoopback(name)) return undefined
  const detail =
    `without API keys only localhost is answered, not ${request.host || 'no host'}: ask ` +
    'http://127.0.0.1, or make a key with `nextrie keys create NAME --role read`'
  return sendProblem(reply, { status: 403, code: 'FORBIDDEN', detail })
}

function refuseOthers(request: FastifyRequest, reply: FastifyReply): FastifyReply | undefined {
  const { role } = request.apiKey!
  const needed = neededRole(request.method, request.routeOptions.url ?? '')
  if (mayAct(role, needed)) return undefined
  const detail = `this needs a key with the role ${needed}; the role of this one is ${role}`
  return sendProblem(reply, { status: 403, code: 'FORBIDDEN', detail })
}

function refuseUnknown(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const detail = request.headers.authorization
    ? 'this is no valid API key'
    : 'an API key is needed: send it as `Authorization: Bearer KEY`'
  reply.header('www-authenticate', 'Bearer')
  return sendProblem(reply, { status: 401, code: 'UNAUTHORIZED', detail })
}

function bearerOf({ headers }: FastifyRequest): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
}

/** Adds to the description of a route what this file answers. */
function describeGuard(route: RouteOptions): void {
  const response = route.schema?.response as object | undefined
  route.schema = {
    ...route.schema,
    security: [{ apiKey: [] }, {}],
    response: {
      ...response,
      401: problemResponse('An API key is needed, or this one is not valid'),
      403: problemResponse(
        'The role of this API key does not allow it, or without keys the Host is not local'
      ),
      429: problemResponse('Too many requests: `Retry-After` says when to come again')
    }
  }
}
