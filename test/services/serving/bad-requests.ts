// Makes bad requests out of the service's own description (OpenAPI): for each route, values that its
// schema does not allow, and what no schema speaks of: broken JSON, wrong media types and methods.
import fc from 'fast-check'
import { Value } from 'typebox/value'

export interface BadRequest {
  readonly method: string
  readonly url: string
  readonly headers: Record<string, string>
  readonly payload?: string
  /** What the answer must name, where one field is at fault. */
  readonly fault?: string
}

/** One method on one path. */
export interface Operation {
  readonly method: string
  readonly path: string
  readonly parameters: readonly Parameter[]
  readonly body?: Schema
}

interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query'
  readonly schema: Schema
}

/** The part of JSON Schema that our description uses. */
interface Schema {
  readonly type?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema
  readonly minItems?: number
  readonly maxItems?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly format?: string
}

interface Description {
  readonly paths: Record<string, Record<string, DescribedOperation>>
}

interface DescribedOperation {
  readonly parameters?: Parameter[]
  readonly requestBody?: { readonly content: Record<string, { readonly schema: Schema }> }
}

/** Every operation of the description. */
export function operationsOf(description: object): Operation[] {
  return Object.entries((description as Description).paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [], requestBody }]) => {
      const body = requestBody?.content['application/json']?.schema
      return { method: method.toUpperCase(), path, parameters, ...(body && { body }) }
    })
  )
}

/** Requests that the operation must refuse. */
export function badRequests(operation: Operation): fc.Arbitrary<BadRequest> {
  const kinds = [wrongMethod(operation)]
  for (const parameter of operation.parameters) kinds.push(...wrongParameter(operation, parameter))
  if (operation.parameters.some(({ in: place }) => place === 'query')) {
    kinds.push(unknownQuery(operation))
  }
  if (operation.body) kinds.push(...wrongBodies(operation, operation.body))
  return fc.oneof(...kinds)
}

const json = { 'content-type': 'application/json' }

/** A good path; the query is left out, for all of its parameters are optional. */
function goodUrl({ path }: Operation): string {
  return path.replace(/\{\w+\}/g, 'a')
}

function wrongMethod(operation: Operation): fc.Arbitrary<BadRequest> {
  const url = operation.path.replace(/\{\w+\}/g, 'a')
  return fc
    .tuple(fc.constantFrom('PATCH', 'OPTIONS', 'TRACE', 'PROPFIND'), fc.string({ maxLength: 20 }))
    .map(([method, text]) => ({
      method,
      url: `${url}/${encodeURIComponent(text)}`,
      headers: {}
    }))
}

function wrongParameter(operation: Operation, { name, schema, in: place }: Parameter) {
  const texts = fc.oneof(text, longText, fc.integer().map(String), fc.constant('a\0'))
  const asked = (value: string) => encodeURIComponent(value)
  if (place === 'path') {
    return [
      fc.oneof(wrongLength, fc.constant('a\0'), nulText).map(value => ({
        ...bare(operation),
        url: operation.path.replace(`{${name}}`, asked(value)),
        ...(Value.Check(schema as never, value) ? {} : { fault: name })
      })),
      fc.constantFrom('%', '%zz', '%e0%a4%a', '%ff%fe').map(value => ({
        ...bare(operation),
        url: operation.path.replace(`{${name}}`, value)
      }))
    ]
  }
  return [
    ...refusedBy(schema, texts).map(wrongText =>
      wrongText.map(value => ({
        ...bare(operation),
        url: `${goodUrl(operation)}?${name}=${asked(value)}`,
        fault: name
      }))
    ),
    fc.constant({
      ...bare(operation),
      url: `${goodUrl(operation)}?${name}=1&${name}=2`,
      fault: name
    })
  ]
}

function unknownQuery(operation: Operation): fc.Arbitrary<BadRequest> {
  const known = operation.parameters.map(({ name }) => name)
  return fc
    .tuple(fc.stringMatching(/^[a-z_]{1,12}$/), text)
    .filter(([name]) => !known.includes(name))
    .map(([name, value]) => ({
      ...bare(operation),
      url: `${goodUrl(operation)}?${name}=${encodeURIComponent(value)}`,
      fault: name
    }))
}

/** Everything but what is at fault; a body that is none of the schema's business is good JSON. */
function bare({ method, body }: Operation): Omit<BadRequest, 'url'> {
  return { method, headers: body ? json : {}, ...(body && { payload: '{"attributes":{}}' }) }
}

function wrongBodies(operation: Operation, schema: Schema): fc.Arbitrary<BadRequest>[] {
  const request = { method: operation.method, url: goodUrl(operation), headers: json }
  const branches = schema.anyOf ?? [schema]
  const object = branches.find(({ type }) => type === 'object') ?? {}
  const named = Object.entries(object.properties ?? {}).flatMap(([name, property]) =>
    wrong(property).map(wrongValue =>
      fc.tuple(good(object), wrongValue).map(([value, at]) => ({
        ...request,
        payload: JSON.stringify({ ...value, [name]: at }),
        fault: name
      }))
    )
  )
  const missing = (object.required ?? []).map(name =>
    good(object).map(value => ({
      ...request,
      payload: JSON.stringify({ ...value, [name]: undefined }),
      fault: name
    }))
  )
  const unknown = fc
    .tuple(good(object), fc.stringMatching(/^[a-z_]{3,12}$/), fc.jsonValue())
    .filter(([, name]) => !(name in (object.properties ?? {})))
    .map(([value, name, at]) => ({
      ...request,
      payload: JSON.stringify({ ...value, [name]: at }),
      fault: name
    }))
  const notOne = fc
    .jsonValue()
    .filter(value => !Value.Check(schema as never, value))
    .map(value => ({ ...request, payload: JSON.stringify(value) }))
  const media = fc
    .constantFrom('text/plain', 'application/xml', 'multipart/form-data; boundary=x', 'x', '*/*')
    .map(type => ({ ...request, headers: { 'content-type': type }, payload: '{}' }))
  return [
    ...named,
    ...named, // the fields are what it is about
    ...missing,
    ...(object.additionalProperties === false ? [unknown] : []),
    notOne,
    media,
    brokenJson.map(payload => ({ ...request, payload }))
  ]
}

/** A value that the schema allows. */
function good(schema: Schema): fc.Arbitrary<Record<string, unknown>> {
  return goodValue(schema).filter(value => Value.Check(schema as never, value)) as never
}

function goodValue(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum) return fc.constantFrom(...schema.enum)
  if (schema.anyOf) return fc.oneof(...schema.anyOf.map(goodValue))
  if (schema.format === 'date-time') return fc.constant('2026-03-01T09:00:00Z')
  if (schema.type === 'object') return goodObject(schema)
  if (schema.type === 'array') {
    return fc.array(goodValue(schema.items ?? {}), {
      minLength: schema.minItems ?? 0,
      maxLength: 3
    })
  }
  if (schema.type === 'boolean') return fc.boolean()
  const { minimum: min = 0, maximum: max = 1000 } = schema
  if (schema.type === 'integer' || schema.type === 'number') return fc.integer({ min, max })
  if (schema.type === 'string') return fc.stringMatching(/^[a-z]{1,8}$/)
  return fc.constantFrom('a', 1, true)
}

function goodObject({ properties = {}, required = [] }: Schema): fc.Arbitrary<unknown> {
  const entries = Object.entries(properties).filter(([name]) => required.includes(name))
  return fc.record(Object.fromEntries(entries.map(([name, at]) => [name, goodValue(at)])))
}

/** A value that the schema does not allow. */
function wrong(schema: Schema): fc.Arbitrary<unknown>[] {
  const near =
    schema.type === 'array' ? [fc.array(fc.oneof(anything, goodValue(schema.items ?? {})))] : []
  return refusedBy(schema, fc.oneof(anything, ...near))
}

/** Those of the values that the schema does not allow; nothing when it allows about all of them. */
function refusedBy<T>(schema: Schema, values: fc.Arbitrary<T>): fc.Arbitrary<T>[] {
  const isRefused = (value: T) => !Value.Check(schema as never, value)
  const refused = fc.sample(values, { seed: 1, numRuns: 100 }).filter(isRefused)
  return refused.length > 2 ? [values.filter(isRefused)] : []
}

const text = fc.string({ unit: 'binary', maxLength: 30 })
const longText = fc.integer({ min: 201, max: 3000 }).map(length => 'x'.repeat(length))
const wrongLength = fc.integer({ min: 201, max: 700 }).map(length => 'x'.repeat(length))
const nulText = text.map(value => `${[...value].slice(0, 5).join('')}\0`)

const anything = fc.oneof(
  fc.constantFrom(null, true, 0, -1, 1.5, 1e308, 2 ** 53, '', 'a\0', '\ud800', [], [[]], {}),
  fc.jsonValue(),
  longText,
  fc.integer(),
  fc.array(longText, { maxLength: 3 }),
  fc.constant(Array.from({ length: 1001 }, (_, i) => `item ${i}`))
)

const brokenJson = fc.oneof(
  fc.constantFrom('', '{', '[', '"', 'nul', '{"a":}', '[1,]', '\0', '{"a":1}}', '1e', '\ufeff'),
  fc.constantFrom('{"__proto__":{"a":1}}', '{"constructor":{"prototype":{}}}'),
  fc.constantFrom(100, 10_000, 60_000).map(depth => '['.repeat(depth)),
  fc.json().map(value => `${value}}`)
)
