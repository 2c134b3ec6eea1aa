// How often one caller may ask. Counted in this process, by key, and by address where there is none.
import rateLimit from '@fastify/rate-limit'
import type { App } from './serving-parts.ts'

/** Callers that are counted at a time; of more, the ones seen longest ago are forgotten. */
const countedCallers = 10_000

/** @param requestsPerMinute of one caller; 0 is no limit. */
export async function limitRequests(app: App, requestsPerMinute: number): Promise<void> {
  if (requestsPerMinute === 0) return
  await app.register(rateLimit, {
    global: false,
    max: requestsPerMinute,
    timeWindow: 60_000,
    cache: countedCallers,
    keyGenerator: ({ apiKey, ip }) => (apiKey ? `key ${apiKey.keyId}` : `address ${ip}`),
    errorResponseBuilder: (_, { max }) =>
      Object.assign(new Error(`more than ${max} requests in a minute; wait, then go on`), {
        statusCode: 429
      })
  })
  app.addHook('onRequest', app.rateLimit())
}
