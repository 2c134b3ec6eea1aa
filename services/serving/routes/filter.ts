// A filter as requests carry it. Groups nest three deep, written out: a schema that refers to itself is
// more than many readers of OpenAPI understand, and no request has needed more.
import type { FastifyError, FastifySchemaCompiler } from 'fastify'
import { type TSchema, Type } from 'typebox'
import {
  attributesOf,
  conditionFaults,
  type ItemCondition
} from '#shared/catalog/item-condition.ts'
import type { AttributeNames } from '../attribute-names.ts'
import { fieldFaults } from '../field-faults.ts'
import { tooManyValues } from '../limit-values.ts'
import type { FieldFault } from '../problem.ts'
import type { App } from '../serving-parts.ts'

const Value = Type.Union([Type.String({ maxLength: 1000 }), Type.Number(), Type.Boolean()], {
  title: 'a text, a number, true or false'
})

const test = {
  attribute: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 200,
      description: 'Name of an attribute that items of the catalogue have'
    })
  ),
  equals: Type.Optional(Value),
  in: Type.Optional(Type.Array(Value, { minItems: 1, maxItems: 1000 })),
  min: Type.Optional(Type.Number()),
  max: Type.Optional(Type.Number())
}
const strict = { additionalProperties: false }
const Test = Type.Object(test, strict)

function groupOf<Part extends TSchema>(Part: Part) {
  const parts = Type.Optional(Type.Array(Part, { minItems: 1, maxItems: 20 }))
  return Type.Object({ ...test, and: parts, or: parts, not: Type.Optional(Part) }, strict)
}

export const Filter = {
  ...groupOf(groupOf(groupOf(Test))),
  description:
    'What items must be like: an `attribute` with `equals`, `in`, or `min` and `max`; ' +
    'or a group `and`, `or`, `not`. Of a list, one value has to fit',
  examples: [
    {
      and: [
        { attribute: 'brand', in: ['Acme', 'Zenith'] },
        { attribute: 'price', max: 50 }
      ]
    }
  ]
}

/** What the schema cannot say. @param at the name of the field that holds the filter. */
export async function filterFaults(
  filter: ItemCondition | undefined,
  names: AttributeNames
): Promise<FieldFault[]> {
  if (!filter) return []
  const known = await names.including(attributesOf(filter))
  return conditionFaults(filter, known, 'filter')
}

/** Faults of a value that came in by another way than as a whole body. */
export type Check = (value: unknown, name: string) => FieldFault[]

/** Checks as Fastify checks bodies; made at the first use, when the application is ready. */
export function createCheck(app: App, schema: TSchema): Check {
  let validate: ReturnType<FastifySchemaCompiler<unknown>> | undefined
  return (value, name) => {
    validate ??= app.validatorCompiler?.({ schema, method: '', url: '', httpPart: 'body' })
    if (!validate) throw new Error('the application is not ready')
    const tooMany = tooManyValues(value, name)
    if (tooMany) return [tooMany]
    if (validate(value) === true) return []
    const validation = (validate as { errors?: FastifyError['validation'] }).errors
    return fieldFaults({ validation, validationContext: name } as unknown as FastifyError)
  }
}
