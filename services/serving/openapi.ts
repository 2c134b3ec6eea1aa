// The API's own description: made of the schemas that requests are checked with, so the two cannot
// differ. JSON at /docs/json, a page to try it at /docs.
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'

/** Register before any route: only later routes are listed. */
export async function describeApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Nextrie',
        version: '1',
        description: 'Recommends the next items of a session. Faults are application/problem+json.'
      },
      tags: [
        { name: 'recommendations', description: 'The next items of a session' },
        { name: 'scenarios', description: 'Named defaults of questions' },
        { name: 'events', description: 'What visitors did' },
        { name: 'items', description: 'What can be recommended' },
        { name: 'operation', description: 'Releases, health and figures' }
      ],
      components: {
        securitySchemes: {
          apiKey: {
            type: 'http',
            scheme: 'bearer',
            description: 'An API key; none is needed on this machine until the first one is made'
          }
        }
      }
    }
  })
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    theme: { title: 'Nextrie API' },
    uiConfig: { layout: 'BaseLayout', tryItOutEnabled: true }
  })
}
