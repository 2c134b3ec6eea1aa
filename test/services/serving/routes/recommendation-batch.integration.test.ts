import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LiveRecommender } from '#services/serving/live-recommender.ts'
import { batchLimits } from '#services/serving/routes/batch-limits.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { alphabetRecommender, appOn, gate, type ServingApp, startServing } from '../serving-app.ts'

const alphabet = alphabetRecommender()
let serving: ServingApp
/** What a test puts between a question and its answer. */
let before: LiveRecommender['recommend'] | undefined
const slowRecommender: LiveRecommender = {
  releaseId: () => 'r1',
  recommend: async query => (await before?.(query)) ?? alphabet.recommend(query)
}
beforeAll(async () => {
  serving = await startServing(slowRecommender)
})
afterAll(() => serving.close())

const ndjson = 'application/x-ndjson'

async function ask(payload: string | object[], type = ndjson) {
  const response = await serving.app.inject({
    method: 'POST',
    url: '/v1/recommendations/batch',
    headers: { 'content-type': type },
    payload: typeof payload === 'string' ? payload : JSON.stringify(payload)
  })
  return { response, lines: linesOf(response.body) }
}

function linesOf(text: string) {
  return text
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line))
}

function firstItems(lines: { items?: { item: string }[] }[]) {
  return lines.map(line => line.items?.[0]?.item)
}

const questions = [...'abcdeabcdeabcdeabcde'].map(item => ({ items: [item], n: 1 }))
const expected = [...'bcdefbcdefbcdefbcdef']

describe('a batch', () => {
  test.each([
    ['lines', ndjson, questions.map(question => JSON.stringify(question)).join('\n')],
    ['an array', 'application/json', JSON.stringify(questions)]
  ])('of %s is answered by lines, in the order of the questions', async (_, type, payload) => {
    const { response, lines } = await ask(payload, type)

    expect(response.statusCode).toBe(200)
    expect(response.headers['content-type']).toBe(ndjson)
    expect(firstItems(lines)).toEqual(expected)
    expect(lines[0]).toEqual({
      recommendation_id: expect.any(String),
      release: 'r1',
      items: [{ item: 'b', score: 1, source: 'generated' }]
    })
  })

  test('keeps the order when a later answer comes first', async () => {
    const first = gate()
    before = async ({ clicks }) => {
      if (clicks[0]?.itemKey === 'a') await first.opened
      else first.open()
      return undefined as never
    }
    const { lines } = await ask(
      [
        { items: ['a'], n: 1 },
        { items: ['c'], n: 1 }
      ],
      'application/json'
    )
    before = undefined

    expect(firstItems(lines)).toEqual(['b', 'd'])
  })

  test('names the fault of a line, and goes on', async () => {
    const overloaded = new RecommenderError('OVERLOADED', 'too much', { canRetry: true })
    before = ({ count }) =>
      count === 7
        ? Promise.reject(overloaded)
        : (undefined as unknown as ReturnType<LiveRecommender['recommend']>)
    const { lines } = await ask(
      [
        '{"items":["a"],"n":1}',
        '{"items":',
        '{"items":["a"],"n":"x"}',
        '{}',
        '{"items":[],"filter":{"attribute":"colour","equals":1}}',
        '5',
        '{"items":["a"],"n":7}',
        '{"items":["c"],"n":1}'
      ].join('\r\n')
    )
    before = undefined

    expect(firstItems([lines[0], lines[7]])).toEqual(['b', 'd'])
    const faults = lines
      .slice(1, 7)
      .map(({ error }) => [
        error.status,
        error.code,
        error.errors?.map(({ field }: { field: string }) => field)
      ])
    expect(faults).toEqual([
      [400, 'REQUEST_INVALID', ['question']],
      [400, 'REQUEST_INVALID', ['n']],
      [400, 'REQUEST_INVALID', ['session', 'items']],
      [400, 'REQUEST_INVALID', ['filter.attribute']],
      [400, 'REQUEST_INVALID', ['question']],
      [503, 'OVERLOADED', undefined]
    ])
  })

  test('streams: the first line comes while later questions wait', async () => {
    const last = gate()
    before = async ({ count }) => {
      if (count === 2) await last.opened
      return undefined as never
    }
    await serving.app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = serving.app.server.address() as { port: number }
    const response = await fetch(`http://127.0.0.1:${port}/v1/recommendations/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify([...questions, { items: ['a'], n: 2 }])
    })
    let text = ''
    for await (const part of Readable.fromWeb(response.body as never)) {
      text += part
      if (linesOf(text.slice(0, text.lastIndexOf('\n') + 1)).length > 0) last.open()
    }
    before = undefined

    expect(firstItems(linesOf(text))).toEqual([...expected, 'b'])
  })

  test('asks no more than eight questions at a time', async () => {
    let [asked, most] = [0, 0]
    before = async () => {
      most = Math.max(most, ++asked)
      await new Promise(setImmediate)
      asked--
      return undefined as never
    }
    await ask(questions, 'application/json')
    before = undefined

    expect(most).toBe(8)
  })

  test('finds no room beside as many as are answered at a time; when one ends, it does', async () => {
    const end = gate()
    let asked = 0
    before = async () => {
      asked++
      await end.opened
      return undefined as never
    }
    const app = await appOn(serving.database.pool, slowRecommender, {
      batches: { atATime: 2, askedAhead: 1 }
    })
    const batch = () =>
      app.inject({ method: 'POST', url: '/v1/recommendations/batch', payload: questions })
    const begun = [batch(), batch()]
    await expect.poll(() => asked).toBe(2)

    const refused = await batch()

    expect(refused.statusCode).toBe(503)
    expect(refused.headers['retry-after']).toBe('1')
    expect(refused.json()).toMatchObject({ code: 'OVERLOADED' })
    end.open()
    for (const { body } of await Promise.all(begun)) {
      expect(firstItems(linesOf(body))).toEqual(expected)
    }
    expect((await batch()).statusCode).toBe(200)
    before = undefined
    await app.close()
  })

  test.each([1, 2, 5, 16, 100, 512, 10_000])(
    'never asks more, with all others, than a queue of %s holds',
    length => {
      const { atATime, askedAhead } = batchLimits(length)

      expect(atATime).toBeGreaterThan(0)
      expect(askedAhead).toBeGreaterThan(0)
      expect(atATime * askedAhead).toBeLessThanOrEqual(length)
    }
  )

  test('counts its items by source', async () => {
    const count = async () => {
      const { body } = await serving.app.inject({ method: 'GET', url: '/metrics' })
      return Number(/nextrie_recommended_items_total\{source="generated"\} (\d+)/.exec(body)?.[1])
    }
    const earlier = await count()
    await ask(questions, 'application/json')

    expect(await count()).toBe(earlier + 20)
  })

  test('in which no question can be asked is refused, with the place of each fault', async () => {
    const { response } = await ask([{ items: ['a'], n: 'x' }, {}], 'application/json')

    expect(response.statusCode).toBe(400)
    expect(response.json().errors.map(({ field }: { field: string }) => field)).toEqual([
      '[0].n',
      '[1].session',
      '[1].items'
    ])
  })

  test.each([
    ['nothing', '[]', 'application/json'],
    ['one question', '{"items":[]}', 'application/json'],
    ['no line', '\n', ndjson],
    ['too many', '{}\n'.repeat(10_001), ndjson]
  ])('of %s is refused', async (_, payload, type) => {
    const { response } = await ask(payload, type)

    expect(response.statusCode).toBe(400)
    expect(response.json().errors).toEqual([
      { field: 'body', message: expect.stringContaining('1 to 10000') }
    ])
  })
})

test('a question with a fault in each of too many values has a line of its own, and a short one', async () => {
  const huge = JSON.stringify({ items: ['a'], exclude: Array(100_000).fill(0) })
  const many = JSON.stringify({ items: ['a'], exclude: Array(2000).fill(0) })
  const good = JSON.stringify({ items: ['a'], n: 1 })

  const { lines } = await ask([huge, good, many].join('\n'))

  expect(lines[0].error.errors).toEqual([
    { field: 'question', message: 'has more than 10000 values' }
  ])
  expect(firstItems([lines[1]])).toEqual(['b'])
  expect(lines[2].error.errors).toHaveLength(101)
})
