// Why a message is not accepted. A rejection is a value, not an exception: bad messages are an
// expected outcome, and their sender is told what to change.
import type { TObject, TSchema } from 'typebox'
import type { Validator } from 'typebox/compile'

export interface Rejection {
  /** One or more sentences: what is wrong with which field, and what it must be. */
  readonly rejected: string
  /** The first field at fault; absent when it is the message as a whole. */
  readonly field?: string
}

const fieldsTold = 3
const charactersQuoted = 60

/** Explains why `value` does not fit the schema, from the descriptions in the schema. */
export function explainRejection(check: Validator, schema: TObject, value: unknown): Rejection {
  if (!isObject(value))
    return { rejected: `the message must be a JSON object, ${describe(schema)}` }
  const fields = [...new Set(check.Errors(value).flatMap(fieldsAtFault))]
  const rejected = fields
    .slice(0, fieldsTold)
    .map(field => explainField(schema, field, value))
    .join('; ')
  return { rejected, field: fields[0] ?? '' }
}

/** The value as it can be shown in a reason: on one line, cut, control characters escaped. */
export function quote(value: unknown): string {
  const text = JSON.stringify(value) ?? 'undefined'
  return text.length > charactersQuoted ? `${text.slice(0, charactersQuoted)}…` : text
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

type Fault = ReturnType<Validator['Errors']>[number]

/** A missing field is told by its parent, any other fault by the path that leads to it. */
function fieldsAtFault(fault: Fault): string[] {
  const [, field] = fault.instancePath.split('/')
  if (field !== undefined) return [field.replaceAll('~1', '/').replaceAll('~0', '~')]
  if (fault.keyword === 'required') return fault.params.requiredProperties
  return []
}

function explainField(schema: TObject, field: string, value: Record<string, unknown>): string {
  const described = schema.properties[field]!
  const is = Object.hasOwn(value, field) ? `is ${quote(value[field])}` : 'is missing'
  return `${field} ${is}: it must be ${describe(described)}`
}

/** TypeBox keeps a schema's options but leaves them out of its type. */
function describe(schema: TSchema): string {
  return 'description' in schema ? String(schema.description) : 'as the schema says'
}
