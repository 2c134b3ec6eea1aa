// A client that does not send its body is cut off. The server's own limit is for whole requests, and has
// to leave room for a long import; here is the one for all bodies that are read before they are handled.
import type { FastifyRequest } from 'fastify'
import { rawProblem } from './connection-faults.ts'
import type { App } from './serving-parts.ts'

/** Sending a body of some megabytes takes no longer, over any line worth using. */
const standardMs = 30_000

const timers = new WeakMap<FastifyRequest, NodeJS.Timeout>()

/** Cuts connections whose body has not been read in time. */
export function limitReading(app: App, timeoutMs = standardMs): void {
  app.addHook('onRequest', async request => {
    const timer = setTimeout(() => cutOff(request), timeoutMs)
    timer.unref()
    timers.set(request, timer)
    request.raw.once('close', () => clearTimeout(timer))
  })
  app.addHook('preValidation', async request => clearTimeout(timers.get(request)))
  app.addHook('onResponse', async request => clearTimeout(timers.get(request)))
}

function cutOff({ raw }: FastifyRequest): void {
  const detail = 'the body did not come in time'
  raw.socket.end(rawProblem({ status: 408, code: 'REQUEST_TIMEOUT', detail }))
  raw.destroy()
}
