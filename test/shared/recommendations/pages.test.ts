// Pages of one question: what earlier pages showed is ranked with the rest, and left out.
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import {
  answerQuery,
  type RecommendationQuery,
  type RecommendedItem
} from '#shared/recommendations/answer-query.ts'
import { type LoadedModel, loadModel } from '#shared/recommendations/load-model.ts'
import type { Click } from '#shared/sessions/session.ts'
import { smallModel } from '#test/support/small-release.ts'
import { useBackend } from '#test/support/tensorflow.ts'

const itemKeys = Array.from({ length: 70 }, (_, i) => `item ${i}`)
const categories = { levels: 1, classes: Int32Array.from(itemKeys, (_, i) => i % 4) }
let model: LoadedModel
/** The next release: without ten of the items, with ten others and with other weights. */
let other: LoadedModel

beforeAll(async () => {
  await useBackend('cpu')
  model = loadModel({ ...smallModel(itemKeys), categories })
  const otherKeys = Array.from({ length: 70 }, (_, i) => `item ${i + 10}`)
  other = loadModel({ ...smallModel(otherKeys, 2), categories })
})

const click = (item: number): Click => ({ itemKey: itemKeys[item]!, type: 'click', at: 0 })

const questions = fc.record({
  clicks: fc.array(fc.integer({ min: 0, max: 69 }).map(click), { maxLength: 8 }),
  count: fc.integer({ min: 1, max: 40 }),
  exclude: fc.array(fc.constantFrom(...itemKeys), { maxLength: 30 }),
  repeat: fc.boolean(),
  diversity: fc.constantFrom(0, 0.5, 1)
})

/** Turns pages until nothing is left, or there are more than there can be. @param modelOf which release answers a page. */
function pagesOf(
  question: RecommendationQuery,
  modelOf: (page: number) => LoadedModel = () => model
): RecommendedItem[][] {
  const pages: RecommendedItem[][] = []
  while (pages.length <= itemKeys.length) {
    const shown = pages.flat().map(({ itemKey }) => itemKey)
    const page = answerQuery(modelOf(pages.length), { ...question, shown })
    if (page.length === 0) return pages
    pages.push(page)
  }
  return pages
}

const allowedIn = (
  { itemIndex }: LoadedModel,
  { clicks, exclude, repeat }: RecommendationQuery
) => {
  const clicked = clicks.map(({ itemKey }) => itemKey)
  return [...itemIndex.keys()].filter(
    key => !exclude.includes(key) && (repeat || !clicked.includes(key))
  )
}

test('pages together are all that may be shown, each item once, and all but the last are full', () => {
  fc.assert(
    fc.property(questions, question => {
      const pages = pagesOf(question)

      const keys = pages.flat().map(({ itemKey }) => itemKey)
      expect(keys.toSorted()).toEqual(allowedIn(model, question).toSorted())
      expect(pages.slice(0, -1).every(({ length }) => length === question.count)).toBe(true)
    }),
    { numRuns: 40 }
  )
})

test('nothing comes twice when another release answers from the second page on', () => {
  fc.assert(
    fc.property(questions, question => {
      const pages = pagesOf(question, page => (page === 0 ? model : other))

      const [first = [], ...rest] = pages.map(page => page.map(({ itemKey }) => itemKey))
      const left = allowedIn(other, question).filter(key => !first.includes(key))
      expect(rest.flat().toSorted()).toEqual(left.toSorted())
    }),
    { numRuns: 40 }
  )
})

test('the second page goes on where a longer first one would, down to the score that is asked for', () => {
  const question = { clicks: [click(3), click(8)], count: 10, exclude: [], minScore: 0.02 }

  const [first, second = []] = pagesOf(question)
  const both = answerQuery(model, { ...question, count: 20 })

  expect([...first!, ...second]).toEqual(both)
  expect(both.length).toBeGreaterThan(10)
  expect(both.length).toBeLessThan(20)
})

test('diversity goes on over pages: no category comes twice while others have not come', () => {
  const question = { clicks: [click(3)], count: 2, exclude: [], diversity: 1 }

  const keys = pagesOf(question)
    .flat()
    .map(({ itemKey }) => model.itemIndex.get(itemKey)! % 4)

  expect(new Set(keys.slice(0, 4)).size).toBe(4)
  expect(new Set(keys.slice(4, 8)).size).toBe(4)
})
