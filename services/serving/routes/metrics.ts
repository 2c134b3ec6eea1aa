// GET /metrics: figures for Prometheus, in its own text format.
import { Type } from 'typebox'
import type { App, ServingParts } from '../serving-parts.ts'

const schema = {
  tags: ['operation'],
  summary: 'Figures for Prometheus',
  response: {
    200: { description: 'Prometheus text', content: { 'text/plain': { schema: Type.String() } } }
  }
}

/** Adds the route. */
export function addMetrics(app: App, { metrics }: ServingParts): void {
  app.get('/metrics', { schema }, async (_, reply) =>
    reply.type(metrics.contentType).send(await metrics.metrics())
  )
}
