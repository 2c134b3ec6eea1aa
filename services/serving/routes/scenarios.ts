// /v1/scenarios: named defaults of questions, so that a shop changes what its places ask for without
// changing its programs.
import { Type } from 'typebox'
import { problemResponse, sendFieldFaults, sendProblem } from '../problem.ts'
import type { App, ServingParts } from '../serving-parts.ts'
import {
  deleteScenario,
  listScenarios,
  mostScenarioBytes,
  mostScenarios,
  readScenario,
  writeScenario
} from '../stored-scenarios.ts'
import type { AnsweringTools } from './answering-tools.ts'
import { filterFaults } from './filter.ts'
import { Defaults, explainFaults, ScenarioName } from './question.ts'

const ScenarioPath = Type.Object({
  name: { ...ScenarioName, description: 'The name that questions give as `scenario`' }
})
const WireScenario = Type.Object({
  name: Type.String(),
  // Not Defaults: what writes answers would fill in what that schema says of absent fields.
  defaults: Type.Unsafe<Defaults>({
    type: 'object',
    additionalProperties: true,
    description: 'As they were written'
  })
})

const tags = ['scenarios']
const invalid = problemResponse('The request is at fault; `errors` names the fields')
const missing = problemResponse('No such scenario')
const away = problemResponse('The scenarios are away: try again')

/** Adds the four routes. */
export function addScenarios(app: App, parts: ServingParts, tools: AnsweringTools): void {
  addReading(app, parts)
  addWriting(app, parts, tools)
}

function addReading(app: App, { pool }: ServingParts): void {
  const list = {
    operationId: 'listScenarios',
    tags,
    summary: 'List the scenarios',
    response: { 200: Type.Object({ scenarios: Type.Array(WireScenario) }), 503: away }
  }
  app.get('/scenarios', { schema: list }, async () => ({ scenarios: await listScenarios(pool) }))

  const read = {
    operationId: 'readScenario',
    tags,
    summary: 'Read one scenario',
    params: ScenarioPath,
    response: { 200: WireScenario, 400: invalid, 404: missing, 503: away }
  }
  app.get('/scenarios/:name', { schema: read }, async (request, reply) => {
    const { name } = request.params
    return (await readScenario(pool, name)) ?? sendMissing(reply, name)
  })
}

function addWriting(app: App, { pool }: ServingParts, tools: AnsweringTools): void {
  const write = {
    operationId: 'writeScenario',
    tags,
    summary: 'Add a scenario, or replace it',
    description:
      'Checked as a question is. Every serving process knows it within two seconds, this one at once.',
    params: ScenarioPath,
    body: Defaults,
    response: {
      200: WireScenario,
      400: invalid,
      409: problemResponse(`There are ${mostScenarios} already`),
      503: away
    }
  }
  app.put('/scenarios/:name', { schema: write }, async (request, reply) => {
    const [{ name }, defaults] = [request.params, request.body]
    const bytes = Buffer.byteLength(JSON.stringify(defaults))
    if (bytes > mostScenarioBytes) {
      const message = `has ${bytes} bytes: a scenario takes ${mostScenarioBytes} at most`
      return sendFieldFaults(reply, [{ field: 'body', message }])
    }
    const faults = [
      ...explainFaults(defaults),
      ...(await filterFaults(defaults.filter, tools.attributeNames))
    ]
    if (faults.length > 0) return sendFieldFaults(reply, faults)
    if (!(await writeScenario(pool, { name, defaults }))) {
      const detail = `there are ${mostScenarios} scenarios already: delete one first`
      return sendProblem(reply, { status: 409, code: 'TOO_MANY_SCENARIOS', detail })
    }
    await tools.scenarios.refresh()
    return { name, defaults }
  })

  const remove = {
    operationId: 'deleteScenario',
    tags,
    summary: 'Delete a scenario',
    description: 'Questions that name it are refused from then on.',
    params: ScenarioPath,
    response: {
      204: Type.Null({ description: 'It is gone' }),
      400: invalid,
      404: missing,
      503: away
    }
  }
  app.delete('/scenarios/:name', { schema: remove }, async (request, reply) => {
    const { name } = request.params
    if (!(await deleteScenario(pool, name))) return sendMissing(reply, name)
    await tools.scenarios.refresh()
    return reply.code(204).send(null)
  })
}

function sendMissing(reply: Parameters<typeof sendProblem>[0], name: string) {
  const detail = `there is no scenario ${name}`
  return sendProblem(reply, { status: 404, code: 'SCENARIO_NOT_FOUND', detail })
}
