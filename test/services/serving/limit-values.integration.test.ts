import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ServingApp, startServing } from './serving-app.ts'

let serving: ServingApp
beforeAll(async () => {
  serving = await startServing()
})
afterAll(() => serving.close())

async function recommend(question: object) {
  const url = '/v1/recommendations'
  const response = await serving.app.inject({ method: 'POST', url, payload: question })
  return { status: response.statusCode, size: response.body.length, body: response.json() }
}

const unknownFields = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, 0]))

test.each([
  ['a list', { items: ['a'], exclude: Array(100_000).fill(0) }],
  ['its fields', { items: ['a'], ...unknownFields(20_000) }],
  [
    'lists of a filter',
    { items: ['a'], filter: { and: Array(20).fill({ in: Array(600).fill(null) }) } }
  ]
])('a body with too much in %s is refused before each value is told wrong', async (_, question) => {
  const { status, body } = await recommend(question)

  expect(status).toBe(400)
  expect(body.errors).toEqual([{ field: 'body', message: 'has more than 10000 values' }])
})

test.each([
  ['a list', { items: ['a'], exclude: Array(9000).fill(0) }],
  ['its fields', { items: ['a'], ...unknownFields(9000) }],
  [
    'lists of a filter',
    { items: ['a'], filter: { and: Array(9).fill({ in: Array(900).fill(null) }) } }
  ]
])(
  'of many faults in %s the first hundred are told, and that there are more',
  async (_, question) => {
    const { status, size, body } = await recommend(question)

    expect(status).toBe(400)
    expect(body.errors).toHaveLength(101)
    expect(body.errors[100]).toEqual({ field: 'body', message: 'has more faults than these' })
    expect(size).toBeLessThan(50_000)
  }
)

test('a value that fits no choice is one fault, beside others whose place begins alike', async () => {
  const values = Array.from({ length: 12 }, () => null)

  const { body } = await recommend({ items: ['a'], filter: { attribute: 'title', in: values } })

  const message = 'must be a text, a number, true or false'
  expect(body.errors).toEqual(values.map((_, i) => ({ field: `filter.in[${i}]`, message })))
})

test('values of an item are not counted: they are bounded by their bytes', async () => {
  const payload = { attributes: {}, sizes: Array.from({ length: 20_000 }, (_, i) => i) }

  const { statusCode } = await serving.app.inject({ method: 'PUT', url: '/v1/items/z', payload })

  expect(statusCode).toBe(200)
})
