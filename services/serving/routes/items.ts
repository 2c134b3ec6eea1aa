// /v1/items: the catalogue. Reading it in pages, one item, and describing an item anew.
import { setTimeout as pause } from 'node:timers/promises'
import { Type } from 'typebox'
import { readItem, readItemsPage } from '#shared/catalog/read-items.ts'
import { removeItems, upsertItems } from '#shared/catalog/write-items.ts'
import { checkItem } from '#shared/events/decode-item.ts'
import { problemResponse, sendFieldFaults, sendProblem } from '../problem.ts'
import type { App, ServingParts } from '../serving-parts.ts'
import { ItemAttributes, Key, toWire, WireItem } from '../wire-items.ts'

const standardLimit = 50

const PageQuestion = Type.Object(
  {
    limit: Type.Optional(
      Type.String({
        pattern: '^(1000|[1-9][0-9]{0,2})$',
        title: 'a whole number from 1 to 1000',
        description: `How many at most; ${standardLimit} when absent`
      })
    ),
    after: Type.Optional({ ...Key, description: 'The `next` of the page before' })
  },
  { additionalProperties: false }
)

const ItemsPage = Type.Object({
  items: Type.Array(WireItem, { description: 'Visible items in the order of their ids' }),
  next: Type.Optional(Type.String({ description: 'The `after` of the next page, if there is one' }))
})

const ItemPath = Type.Object({ id: { ...Key, description: 'The item key' } })

const ItemBody = Type.Object(
  {
    id: Type.Optional(Type.String({ description: 'The same as in the path' })),
    attributes: ItemAttributes,
    visible: Type.Optional(Type.Boolean({ default: true, description: 'False: never recommended' }))
  },
  {
    additionalProperties: true,
    description: 'Other fields are kept and given back; features are made of attributes alone',
    examples: [{ attributes: { title: 'Linen shirt', categories: ['shirts'], price: 39.9 } }]
  }
)

const tags = ['items']
const invalid = problemResponse('The request is at fault; `errors` names the fields')
const away = problemResponse('The catalogue is away: try again')

/** Adds the four routes. */
export function addItems(app: App, parts: ServingParts): void {
  addListing(app, parts)
  addReading(app, parts)
  addWriting(app, parts)
  addRemoving(app, parts)
}

function addListing(app: App, { pool }: ServingParts): void {
  const schema = {
    operationId: 'listItems',
    tags,
    summary: 'List the visible items',
    querystring: PageQuestion,
    response: { 200: ItemsPage, 400: invalid, 503: away }
  }
  app.get('/items', { schema }, async request => {
    const { after = '', limit: asked } = request.query
    const limit = asked === undefined ? standardLimit : Number(asked)
    const found = await readItemsPage(pool, { after, limit: limit + 1 })
    const page = found.slice(0, limit)
    const next = found.length > limit ? page.at(-1)?.key : undefined
    return { items: page.map(toWire), ...(next !== undefined && { next }) }
  })
}

function addReading(app: App, { pool }: ServingParts): void {
  const schema = {
    operationId: 'readItem',
    tags,
    summary: 'Read one item',
    params: ItemPath,
    response: { 200: WireItem, 400: invalid, 404: problemResponse('No such item'), 503: away }
  }
  app.get('/items/:id', { schema }, async (request, reply) => {
    const { id } = request.params
    const item = await readItem(pool, id)
    if (item) return toWire(item)
    const detail = `there is no item ${JSON.stringify(id)}`
    return sendProblem(reply, { status: 404, code: 'ITEM_NOT_FOUND', detail })
  })
}

/** The schema only describes: checkItem is the check that items from Kafka pass, too. */
function addWriting(app: App, parts: ServingParts): void {
  const schema = {
    operationId: 'writeItem',
    tags,
    summary: 'Add an item, or describe it anew',
    description:
      'Replaces all that is known of it. A new item may be recommended to sessions of similar items at once, a ' +
      'hidden one leaves the answers: here when this returns, in other processes within two seconds.',
    params: ItemPath,
    body: ItemBody,
    response: { 200: WireItem, 400: invalid, 503: away }
  }
  const validatorCompiler = () => () => true
  app.put('/items/:id', { schema, validatorCompiler }, async (request, reply) => {
    const { id } = request.params
    const body: unknown = request.body
    const checked = checkItem(isObject(body) ? { id, ...body } : body)
    if ('rejected' in checked) {
      const { rejected: message, field = 'body' } = checked
      return sendFieldFaults(reply, [{ field: field || 'body', message }])
    }
    if (checked.item.key !== id) {
      return sendFieldFaults(reply, [{ field: 'id', message: 'must be the id of the path' }])
    }
    await upsertItems(parts.pool, [checked.item])
    await takeIn(parts)
    return toWire(checked.item)
  })
}

function addRemoving(app: App, parts: ServingParts): void {
  const schema = {
    operationId: 'removeItem',
    tags,
    summary: 'Take an item out of the catalogue',
    description:
      'It is no longer recommended: here when this returns, in other processes within two seconds. ' +
      'Events that name it stay in the log. To remove what is not there changes nothing.',
    params: ItemPath,
    response: { 204: Type.Null({ description: 'It is gone' }), 400: invalid, 503: away }
  }
  app.delete('/items/:id', { schema }, async (request, reply) => {
    await removeItems(parts.pool, [request.params.id])
    await takeIn(parts)
    return reply.code(204).send(null)
  })
}

/** Longer than taking in a few items takes, shorter than a caller's patience. */
const patienceMs = 1000

/**
 * Waits until this process has taken a change in. It is stored whatever becomes of that: what takes too
 * long here, or fails, is tried again by polling.
 */
async function takeIn({ recommender, log }: ServingParts): Promise<void> {
  const taken = recommender.refreshItems?.().catch(error => {
    log.warn({ err: error }, 'a change of the catalogue is stored, but not taken in yet')
  })
  await Promise.race([taken, pause(patienceMs, undefined, { ref: false })])
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
