import { beforeAll, expect, test } from 'vitest'
import { ItemFilter } from '#shared/itemids/item-filter.ts'
import { answerQuery } from '#shared/recommendations/answer-query.ts'
import { type LoadedModel, loadModel } from '#shared/recommendations/load-model.ts'
import { rankSimilar } from '#shared/recommendations/rank-similar.ts'
import { smallModel } from '#test/support/small-release.ts'
import { useBackend } from '#test/support/tensorflow.ts'

const itemKeys = Array.from({ length: 25 }, (_, i) => `item ${i}`)
let model: LoadedModel

beforeAll(async () => {
  await useBackend('cpu')
  model = loadModel(smallModel(itemKeys))
})

/** All items by falling cosine with one of them, which is left out. */
function byForce(item: number): { item: number; score: number }[] {
  const { vectors } = model.ranking
  const width = vectors.length / itemKeys.length
  const vectorOf = (other: number) =>
    Array.from(vectors.subarray(other * width, (other + 1) * width))
  const product = (a: number[], b: number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0)
  const cosine = (a: number[], b: number[]) =>
    product(a, b) / Math.sqrt(product(a, a) * product(b, b))
  return [...itemKeys.keys()]
    .filter(other => other !== item)
    .map(other => ({ item: other, score: cosine(vectorOf(item), vectorOf(other)) }))
    .sort((a, b) => b.score - a.score)
}

test('items come in the order of their cosine with the item, which never comes itself', () => {
  for (const item of itemKeys.keys()) {
    const ranked = rankSimilar(model.ranking, { item, excluded: [], count: 30 })

    const expected = byForce(item)
    expect(ranked.map(ranked => ranked.item)).toEqual(expected.map(({ item }) => item))
    ranked.forEach(({ score }, i) => {
      expect(score).toBeCloseTo(expected[i]!.score, 5)
    })
  }
})

test('what is excluded or fails the filter does not come, and the next best does', () => {
  const [best] = byForce(4)
  const filter = new ItemFilter(item => item % 2 === 0)

  const ranked = rankSimilar(model.ranking, { item: 4, excluded: [best!.item], filter, count: 5 })

  const expected = byForce(4).filter(({ item }) => item !== best!.item && item % 2 === 0)
  expect(ranked.map(({ item }) => item)).toEqual(expected.slice(0, 5).map(({ item }) => item))
})

test('the same in words of clients; an item that the release does not have is like nothing', () => {
  const query = { clicks: [], count: 3, exclude: [] }

  const answer = answerQuery(model, { ...query, similarTo: 'item 4' })

  expect(answer.map(({ itemKey }) => itemKey)).toEqual(
    byForce(4)
      .slice(0, 3)
      .map(({ item }) => itemKeys[item])
  )
  expect(answerQuery(model, { ...query, similarTo: 'gone' })).toEqual([])
})

test('items below the least score asked for stay out', () => {
  const query = { clicks: [], count: 25, exclude: [], similarTo: 'item 4' }
  const all = answerQuery(model, query)
  const least = all[3]!.score

  expect(answerQuery(model, { ...query, minScore: least })).toEqual(all.slice(0, 4))
})
