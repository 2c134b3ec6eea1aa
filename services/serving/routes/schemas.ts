// GET /v1/schemas: the contracts of events and items as JSON Schema, for producers.
import { Type } from 'typebox'
import { contracts } from '#shared/events/contracts.ts'
import { problemResponse, sendProblem } from '../problem.ts'
import type { App } from '../serving-parts.ts'

const tags = ['events']
const names = contracts.map(({ name }) => name)

/** Adds both routes. */
export function addSchemas(app: App): void {
  const list = {
    operationId: 'listSchemas',
    tags,
    summary: 'List the contracts',
    response: { 200: Type.Object({ schemas: Type.Array(Type.String()) }) }
  }
  app.get('/schemas', { schema: list }, async () => ({ schemas: names }))

  const read = {
    operationId: 'readSchema',
    tags,
    summary: 'Read a contract as JSON Schema',
    params: Type.Object({ name: Type.String({ description: `One of ${names.join(', ')}` }) }),
    response: {
      200: { content: { 'application/schema+json': { schema: Type.Unknown() } } },
      404: problemResponse('There is no such contract')
    }
  }
  app.get('/schemas/:name', { schema: read }, async (request, reply) => {
    const contract = contracts.find(({ name }) => name === request.params.name)
    if (contract) return reply.type('application/schema+json').send(contract.schema)
    const detail = `there is no contract of that name; there are ${names.join(', ')}`
    return sendProblem(reply, { status: 404, code: 'NOT_FOUND', detail })
  })
}
