// Says in words which fields of a request are at fault. Ajv reports paths and keywords; people read
// names and sentences.
import type { FastifyError, FastifySchemaValidationError } from 'fastify'
import type { FieldFault } from './problem.ts'

/** With `verbose`, Ajv adds the schema that the value did not meet. */
interface VerboseError extends FastifySchemaValidationError {
  readonly parentSchema?: { readonly title?: string; readonly properties?: object }
}

/** Of one request or part; whoever has more of them has made the same mistake throughout. */
export const mostFaults = 100

/** A fault for each of the first errors of the validation; the part of the request is named for a whole part. */
export function fieldFaults({ validation, validationContext }: FastifyError): FieldFault[] {
  const part = validationContext ?? 'request'
  const faults: FieldFault[] = []
  for (const error of withoutBranches(validation ?? [])) {
    if (faults.length === mostFaults) {
      return [...faults, { field: part, message: 'has more faults than these' }]
    }
    faults.push({ field: fieldOf(error) || part, message: messageOf(error) })
  }
  return faults
}

/** Ajv also tells why each branch of an `anyOf` failed; the caller chose none of them. */
function* withoutBranches(errors: readonly VerboseError[]): Generator<VerboseError> {
  const failed = errors.filter(({ keyword }) => keyword === 'anyOf')
  const choices = new Set(failed.map(error => `${error.schemaPath} ${error.instancePath}`))
  for (const error of errors) {
    const places = [error.instancePath, ...beginningsOf(error.instancePath)]
    const isBranch = beginningsOf(error.schemaPath).some(
      path => path.endsWith('/anyOf') && places.some(place => choices.has(`${path} ${place}`))
    )
    if (!isBranch) yield error
  }
}

/** All that a path leads through, without its own end. */
function beginningsOf(path: string): string[] {
  const steps = path.split('/')
  return steps.slice(1).map((_, i) => steps.slice(0, i + 1).join('/'))
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
