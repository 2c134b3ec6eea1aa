// GET /v1/items/{id}/similar: what is like an item, whoever asks.
import { Type } from 'typebox'
import type { ItemCondition } from '#shared/catalog/item-condition.ts'
import { createPatience } from '../in-time.ts'
import { type FieldFault, problemResponse, sendFieldFaults, sendProblem } from '../problem.ts'
import type { App, ServingParts } from '../serving-parts.ts'
import { Key } from '../wire-items.ts'
import { recommendationOf } from './answer-question.ts'
import type { AnsweringTools } from './answering-tools.ts'
import { type Check, createCheck, Filter, filterFaults } from './filter.ts'
import { Recommendation, standardCount } from './question.ts'

const SimilarQuestion = Type.Object(
  {
    n: Type.Optional(
      Type.String({
        pattern: '^(100|[1-9][0-9]?)$',
        title: 'a whole number from 1 to 100',
        description: `How many; ${standardCount} when absent`
      })
    ),
    min_score: Type.Optional(
      Type.String({
        pattern: '^-?(1(\\.0{1,9})?|0(\\.[0-9]{1,9})?)$',
        title: 'a number from -1 to 1',
        description: 'Items that score less are left out'
      })
    ),
    filter: Type.Optional(
      Type.String({
        maxLength: 4000,
        description: 'The `filter` of a recommendation, as JSON',
        examples: ['{"attribute":"brand","equals":"Acme"}']
      })
    )
  },
  { additionalProperties: false }
)

const schema = {
  operationId: 'similarItems',
  tags: ['recommendations'],
  summary: 'List the items most like one item',
  description:
    "Generated from the item's own vector, or visited together with it; ordered by the cosine of the " +
    'vectors, from -1 to 1, which compares across answers of a release.',
  params: Type.Object({ id: { ...Key, description: 'The item key' } }),
  querystring: SimilarQuestion,
  response: {
    200: Recommendation,
    400: problemResponse('The request is at fault; `errors` names the fields'),
    404: problemResponse('The release that answers does not have the item'),
    503: problemResponse('No release is loaded yet, or a part that is needed is away: try again')
  }
}

export function addSimilarItems(app: App, parts: ServingParts, tools: AnsweringTools): void {
  const checkFilter = createCheck(app, Type.Object({ filter: Filter }))
  const { recommender } = parts

  app.get('/items/:id/similar', { schema }, async (request, reply) => {
    const { n: count = standardCount, min_score: minScore, filter: text } = request.query
    const read = readFilter(text, checkFilter)
    const patience = createPatience(parts.patienceMs)
    const faults =
      'faults' in read
        ? read.faults
        : await patience(filterFaults(read.filter, tools.attributeNames), 'what the filter needs')
    if ('faults' in read || faults.length > 0) return sendFieldFaults(reply, faults)

    const { id } = request.params
    if (recommender.releaseId() !== undefined && recommender.knows?.(id) === false) {
      const detail = `the release that answers has no item ${JSON.stringify(id)}`
      return sendProblem(reply, { status: 404, code: 'ITEM_NOT_FOUND', detail })
    }
    const answer = await recommender.recommend({
      similarTo: id,
      clicks: [],
      count: Number(count),
      exclude: [],
      filter: read.filter,
      patience,
      ...(minScore !== undefined && { minScore: Number(minScore) })
    })
    return recommendationOf(answer, tools)
  })
}

type ReadFilter = { filter: ItemCondition | undefined } | { faults: FieldFault[] }

function readFilter(text: string | undefined, check: Check): ReadFilter {
  if (text === undefined) return { filter: undefined }
  let filter: unknown
  try {
    filter = JSON.parse(text)
  } catch {
    return { faults: [{ field: 'filter', message: 'must be JSON, percent-encoded' }] }
  }
  const faults = check({ filter }, 'filter')
  return faults.length > 0 ? { faults } : { filter: filter as ItemCondition }
}
