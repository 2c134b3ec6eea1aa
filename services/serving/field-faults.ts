// Says in words which fields of a request are at fault. Ajv reports paths and keywords; people read
// names and sentences.
import type { FastifyError, FastifySchemaValidationError } from 'fastify'
import type { FieldFault } from './problem.ts'

/** With `verbose`, Ajv adds the schema that the value did not meet. */
interface VerboseError extends FastifySchemaValidationError {
  readonly parentSchema?: { readonly title?: string; readonly properties?: object }
}

/** One fault for each error of the validation; the part of the request is named for a whole part. */
export function fieldFaults({ validation, validationContext }: FastifyError): FieldFault[] {
  const errors: readonly VerboseError[] = validation ?? []
  return errors
    .filter(error => !isBranch(error, errors))
    .map(error => ({
      field: fieldOf(error) || (validationContext ?? 'request'),
      message: messageOf(error)
    }))
}

/** Ajv also tells why each branch of an `anyOf` failed; the caller chose none of them. */
function isBranch(error: VerboseError, errors: readonly VerboseError[]): boolean {
  return errors.some(
    other =>
      other.keyword === 'anyOf' &&
      error.instancePath.startsWith(other.instancePath) &&
      error.schemaPath.startsWith(`${other.schemaPath}/`)
  )
}

function fieldOf({ instancePath, keyword, params }: VerboseError): string {
  const steps = instancePath.split('/').slice(1).map(unescapeStep)
  if (keyword === 'required') steps.push(String(params.missingProperty))
  if (keyword === 'additionalProperties') steps.push(String(params.additionalProperty))
  return steps.reduce((path, step) => {
    if (/^\d+$/.test(step)) return `${path}[${step}]`
    return path ? `${path}.${step}` : step
  }, '')
}

function unescapeStep(step: string): string {
  return step.replaceAll('~1', '/').replaceAll('~0', '~')
}

function messageOf({ keyword, message, parentSchema }: VerboseError): string {
  if (keyword === 'required') return 'is missing'
  if (keyword === 'additionalProperties') {
    return `is not known here; known are ${Object.keys(parentSchema?.properties ?? {}).join(', ')}`
  }
  if (/^(pattern|anyOf)$/.test(keyword) && parentSchema?.title)
    return `must be ${parentSchema.title}`
  return message ?? 'is not valid'
}
