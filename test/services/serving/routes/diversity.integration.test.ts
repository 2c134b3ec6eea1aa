// `diversity` over HTTP, on a release whose items have categories of two levels: each answer is the one
// that shared/recommendations/README.md promises, worked out here from the scores without it.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { smallModel } from '#test/support/small-release.ts'
import { type ServedRelease, serveRelease } from '../served-release.ts'

const itemKeys = Array.from({ length: 60 }, (_, i) => `item ${i}`)
/** Three categories of unlike sizes, and seven below them; a few items have none below. */
const pathOf = (i: number): [number, number] => {
  const upper = i % 10 < 6 ? 0 : i % 10 < 9 ? 1 : 2
  return [upper, i % 13 === 0 ? -1 : upper * 3 + (i % 3)]
}
const classes = Int32Array.from(itemKeys.flatMap((_, i) => pathOf(i)))
const categories = { levels: 2, classes }

let served: ServedRelease
beforeAll(async () => {
  const items = itemKeys.map(key => ({ key, attributes: {}, isVisible: true }))
  served = await serveRelease({ trained: { ...smallModel(itemKeys), categories }, items })
}, 60_000)
afterAll(() => served.close())

interface Scored {
  readonly item: string
  readonly score: number
}

async function ask(question: object): Promise<Scored[]> {
  const response = await served.app.inject({
    method: 'POST',
    url: '/v1/recommendations',
    payload: question
  })
  expect(response.statusCode).toBe(200)
  return response.json().items
}

const keysOf = (items: readonly Scored[]) => items.map(({ item }) => item)

/** The categories of an item, each told apart by its level. */
function categoriesOf({ item }: Scored): string[] {
  const path = pathOf(itemKeys.indexOf(item))
  return path.flatMap((category, level) => (category < 0 ? [] : [`${level}:${category}`]))
}

/** One by one the item of most score x mean over its categories of (1 - diversity)^(items of it before). */
function spread(all: readonly Scored[], diversity: number, count: number): Scored[] {
  const chosen: Scored[] = []
  const gainOf = (one: Scored) => {
    const names = categoriesOf(one)
    const parts = names.map(name => {
      const before = chosen.filter(other => categoriesOf(other).includes(name)).length
      return (1 - diversity) ** before
    })
    return (one.score * parts.reduce((sum, part) => sum + part)) / names.length
  }
  while (chosen.length < count) {
    const left = all.filter(one => !chosen.includes(one))
    chosen.push(left.reduce((best, one) => (gainOf(one) > gainOf(best) ? one : best)))
  }
  return chosen
}

/** So many that all other items of the release are candidates: n + max(40, 3n). */
const n = 15
const session = { items: ['item 3', 'item 8'], exclude: ['item 20'], repeat: false }
const allowed = itemKeys.filter(key => ![...session.items, ...session.exclude].includes(key))

test('without diversity the best come first, whatever their categories', async () => {
  const all = await ask({ ...session, n: allowed.length })
  const plain = await ask({ ...session, n })

  expect(keysOf(all).toSorted()).toEqual(allowed.toSorted())
  expect(keysOf(plain)).toEqual(keysOf(all).slice(0, n))
  expect(await ask({ ...session, n, diversity: 0 })).toEqual(plain)
})

test.each([0.2, 0.5, 0.9])('diversity %d makes items stand back as promised', async diversity => {
  const all = await ask({ ...session, n: allowed.length })

  const diverse = await ask({ ...session, n, diversity })

  expect(keysOf(diverse)).toEqual(keysOf(spread(all, diversity, n)))
  expect(keysOf(diverse)).not.toEqual(keysOf(all).slice(0, n))
})

test('with diversity 1 an item counts for nothing where all its categories came before', async () => {
  const all = await ask({ ...session, n: allowed.length })
  const untilAllCame = 6 // beyond, items gain nothing alike

  const diverse = await ask({ ...session, n, diversity: 1 })

  const first = diverse.slice(0, untilAllCame)
  expect(keysOf(first)).toEqual(keysOf(spread(all, 1, untilAllCame)))
  expect(new Set(first.map(one => categoriesOf(one).join())).size).toBe(untilAllCame)
  expect(
    new Set(all.slice(0, untilAllCame).map(one => categoriesOf(one).join())).size
  ).toBeLessThan(untilAllCame)
})

test.each([0.2, 0.5, 0.9, 1])(
  'with diversity %d as many are answered, all allowed, none twice, each with its score',
  async diversity => {
    const scored = await ask({ ...session, n: allowed.length })

    const diverse = await ask({ ...session, n, diversity })

    expect(diverse).toHaveLength(n)
    expect(new Set(keysOf(diverse)).size).toBe(n)
    expect(scored).toEqual(expect.arrayContaining(diverse))
  }
)

test('diversity is refused where the release has no categories', async () => {
  await served.publish('r2', smallModel(itemKeys))
  const question = { ...session, diversity: 0.5 }

  const response = await served.app.inject({
    method: 'POST',
    url: '/v1/recommendations',
    payload: question
  })

  expect(response.statusCode).toBe(400)
  expect(response.json().errors).toEqual([
    { field: 'diversity', message: expect.stringContaining('train again') }
  ])
  expect(await ask({ ...question, diversity: 0 })).toHaveLength(10)
}, 60_000)
