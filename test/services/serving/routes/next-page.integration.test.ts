// Pages of a question over HTTP, on a release whose items have categories: the next page is asked for by
// the id of the one before, of whichever process.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createKeptAnswers } from '#services/serving/kept-answers.ts'
import { recommendationId } from '#services/serving/recommendation-id.ts'
import { smallModel } from '#test/support/small-release.ts'
import { type ServedRelease, serveRelease } from '../served-release.ts'
import { appOn } from '../serving-app.ts'

const itemKeys = Array.from({ length: 60 }, (_, i) => `item ${i}`)
const categories = { levels: 1, classes: Int32Array.from(itemKeys, (_, i) => i % 3) }

let served: ServedRelease
beforeAll(async () => {
  const items = itemKeys.map((key, i) => ({ key, attributes: { price: i }, isVisible: true }))
  served = await serveRelease({ trained: { ...smallModel(itemKeys), categories }, items })
}, 60_000)
afterAll(() => served.close())

async function ask(question: object, on = served.app) {
  const response = await on.inject({
    method: 'POST',
    url: '/v1/recommendations',
    payload: question
  })
  const body = response.json()
  const keys: string[] = body.items?.map(({ item }: { item: string }) => item)
  return { status: response.statusCode, body, keys }
}

/** All pages of a question, the first empty one left out; no more than there can be items. */
async function pagesOf(question: object): Promise<string[][]> {
  const pages: string[][] = []
  let { body, keys } = await ask(question)
  while (keys.length > 0 && pages.length < itemKeys.length) {
    pages.push(keys)
    ;({ body, keys } = await ask({ next: body.recommendation_id }))
  }
  return pages
}

const question = {
  items: ['item 3', 'item 8'],
  n: 7,
  exclude: ['item 5'],
  filter: { attribute: 'price', max: 29 },
  repeat: false
}

describe('the next page', () => {
  test.each([0, 0.5, 1])(
    'with diversity %d has what follows, until nothing is left',
    async diversity => {
      const pages = await pagesOf({ ...question, diversity })

      const allowed = itemKeys.slice(0, 30).filter(key => !/^item [358]$/.test(key))
      expect(pages.map(({ length }) => length)).toEqual([7, 7, 7, 6])
      expect(pages.flat().toSorted()).toEqual(allowed.toSorted())
    }
  )

  test('asks what the page before asked, its scenario included', async () => {
    const url = '/v1/scenarios/few'
    await served.app.inject({ method: 'PUT', url, payload: { n: 2, attributes: true } })
    const first = await ask({ items: [], scenario: 'few' })
    await served.app.inject({ method: 'DELETE', url })

    const { body, keys } = await ask({ next: first.body.recommendation_id })

    expect(keys).toHaveLength(2)
    expect(keys).not.toContain(first.keys[0])
    expect(body.items[0].attributes).toEqual({ price: expect.any(Number) })
    expect(body.recommendation_id).not.toBe(first.body.recommendation_id)
  })

  test('comes from another process, and after a restart, once the answer is written', async () => {
    const answers = createKeptAnswers(served.database.pool)
    const here = await appOn(served.database.pool, served.release, { answers })
    const first = await ask({ items: ['item 3'], n: 10 }, here)
    await answers.flush()
    await here.close()

    const { keys } = await ask({ next: first.body.recommendation_id })

    const both = await ask({ items: ['item 3'], n: 20 })
    expect([...first.keys, ...keys]).toEqual(both.keys)
  })

  test('may be turned twice from the same page', async () => {
    const { body } = await ask(question)
    const [one, again] = [
      await ask({ next: body.recommendation_id }),
      await ask({ next: body.recommendation_id })
    ]

    expect(one.keys).toEqual(again.keys)
  })

  test('of another release repeats nothing', async () => {
    const first = await ask({ items: ['item 3'], n: 40, repeat: true })
    await served.publish('r2', { ...smallModel(itemKeys, 2), categories })

    const { body, keys } = await ask({ next: first.body.recommendation_id })
    await served.publish('r3', { ...smallModel(itemKeys), categories })

    expect(body.release).toBe('r2')
    expect(new Set([...first.keys, ...keys]).size).toBe(60)
  }, 60_000)

  test('leaves out what was clicked or hidden meanwhile', async () => {
    const session = 'pages'
    const first = await ask({ session, n: 10, repeat: false })
    const second = await ask({ next: first.body.recommendation_id })
    const [clicked, hidden] = second.keys
    const event = {
      id: 'e1',
      type: 'click',
      time: new Date().toISOString(),
      session,
      item: clicked
    }
    const sent = await served.app.inject({ method: 'POST', url: '/v1/events', payload: event })
    const hide = (visible: boolean) =>
      served.app.inject({
        method: 'PUT',
        url: `/v1/items/${encodeURIComponent(hidden!)}`,
        payload: { attributes: { price: 1 }, visible }
      })
    await hide(false)

    const again = await ask({ next: first.body.recommendation_id })
    await hide(true)

    expect(sent.statusCode).toBe(200)
    expect(again.keys).toHaveLength(10)
    expect(again.keys).not.toContain(clicked)
    expect(again.keys).not.toContain(hidden)
    expect(new Set([...first.keys, ...again.keys]).size).toBe(20)
  })

  test('of a batch is answered, too', async () => {
    const { body, keys } = await ask({ items: ['item 3'], n: 5 })
    const response = await served.app.inject({
      method: 'POST',
      url: '/v1/recommendations/batch',
      payload: [{ next: body.recommendation_id }]
    })

    const { items } = JSON.parse(response.body)
    expect(items).toHaveLength(5)
    expect(items.map(({ item }: { item: string }) => item)).not.toEqual(
      expect.arrayContaining(keys)
    )
  })

  test.each([
    [
      'next',
      { next: recommendationId(Date.now() - 60_000, randomUUID()) },
      'ask the question anew'
    ],
    ['next', { next: 'r1' }, 'must be the recommendation_id of an answer'],
    ['n', { next: recommendationId(1, randomUUID()), n: 3 }, 'with `next` everything is as'],
    ['session', { next: recommendationId(1, randomUUID()), session: 's' }, 'is too much']
  ])('is refused for its field %s', async (field, wrong, message) => {
    const { status, body } = await ask(wrong)

    expect(status).toBe(400)
    expect(body.errors).toEqual([{ field, message: expect.stringContaining(message) }])
  })

  test('ends with five hundred items of one question', async () => {
    const id = recommendationId(Date.now() - 1000 * 60, randomUUID())
    const shown = Array.from({ length: 500 }, (_, i) => `shown ${i}`)
    await served.database.pool.query('insert into kept_answers values ($1, $2, $3)', [
      id,
      JSON.stringify({ items: [] }),
      JSON.stringify(shown)
    ])

    const { status, body } = await ask({ next: id })

    expect([status, body.errors[0].message]).toEqual([
      400,
      expect.stringMatching('goes no further')
    ])
  })
})

describe('an explanation', () => {
  test('comes with each item when it is asked for', async () => {
    const { body } = await ask({ items: ['item 3', 'item 8'], n: 20, explain: true })

    expect(body.items).toHaveLength(20)
    for (const { item, score, explanation } of body.items) {
      const parts: { weight: number; share: number }[] = explanation.score
      expect(parts.reduce((sum, { weight, share }) => sum + weight * share, 0)).toBeCloseTo(score)
      expect(explanation.clicks).toHaveLength(2)
      expect(explanation.path.at(-1).examples).toEqual([item])
    }
  })

  test('is refused for more than twenty items', async () => {
    const { status, body } = await ask({ items: [], n: 21, explain: true })

    expect(status).toBe(400)
    expect(body.errors).toEqual([{ field: 'explain', message: 'goes with an n up to 20, not 21' }])
  })
})

test('every source is counted, whichever route the items go out by', async () => {
  const counted = async () => {
    const { body } = await served.app.inject({ method: 'GET', url: '/metrics' })
    return [...body.matchAll(/^nextrie_recommended_items_total\{.*\} (\d+)$/gm)].reduce(
      (sum, [, count]) => sum + Number(count),
      0
    )
  }
  const seen = [await counted()]
  await ask({ items: ['item 1'], n: 3 })
  seen.push(await counted())
  await served.app.inject({ method: 'GET', url: '/v1/items/item%201/similar?n=4' })
  seen.push(await counted())
  const payload = [
    { items: ['item 2'], n: 5 },
    { items: [], n: 6 }
  ]
  await served.app.inject({ method: 'POST', url: '/v1/recommendations/batch', payload })
  seen.push(await counted())

  expect(seen.slice(1).map((count, i) => count - seen[i]!)).toEqual([3, 4, 11])
})
