import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  candidatesWanted,
  diversify,
  type ItemCategories
} from '#shared/recommendations/diversify.ts'

interface Candidate {
  readonly item: number
  readonly score: number
}

/** One level: item i has the category of place i. */
function categoriesOf(...classes: number[]): ItemCategories {
  return { levels: 1, classes: Int32Array.from(classes) }
}

/** Two shirts before a shoe, a hat and another shirt. */
const ranked = [0.5, 0.4, 0.3, 0.1, 0.08].map((score, item) => ({ item, score }))
const kinds = categoriesOf(0, 0, 1, 2, 0)

function chosen(
  diversity: number,
  facts: { count?: number; categories?: ItemCategories; chosen?: number[] } = {}
): number[] {
  const { count = 5, categories = kinds, ...rest } = facts
  const itemOf = ({ item }: Candidate) => item
  return diversify(ranked, { categories, diversity, count, itemOf, ...rest }).map(itemOf)
}

test('an item gains less for each one before it of the same category', () => {
  // gains of the second choice: .4 x .5 = .2 and .3; of the third: .2 and .1; of the fourth: .1 and .02
  expect(chosen(0.5)).toEqual([0, 2, 1, 3, 4])
})

test('0 changes nothing, and 1 takes one of each category before a second one', () => {
  expect(chosen(0)).toEqual([0, 1, 2, 3, 4])
  expect(chosen(1)).toEqual([0, 2, 3, 1, 4])
})

test('when every category was had, those had least come first', () => {
  // after one of each kind the second shirt is ranked highest, and then the second shoe is due
  expect(chosen(1, { categories: categoriesOf(0, 0, 0, 1, 1) })).toEqual([0, 3, 1, 4, 2])
})

test('what earlier pages showed counts as chosen', () => {
  expect(chosen(1, { chosen: [1, 3], count: 1 })).toEqual([2])
})

test('what shares only the upper level stands back half as far as what shares both', () => {
  // [level 0, level 1]; the next best shares both, the third the upper one, the fourth nothing
  const categories = { levels: 2, classes: Int32Array.of(0, 0, 0, 0, 0, 1, 1, 2, 0, 0) }

  // second choice: .4 x 0, .3 x (0 + 1) / 2 = .15, .1 x 1
  expect(chosen(1, { categories, count: 3 })).toEqual([0, 2, 3])
})

test('items without a category, or newer than the release, are of one category', () => {
  expect(chosen(1, { categories: categoriesOf(-1, -1, 0, 1) })).toEqual([0, 2, 3, 1, 4])
})

test('it chooses what trying every candidate at every place would, and every item once', () => {
  const facts = fc.record({
    scores: fc.array(fc.double({ min: 1e-6, max: 1, noNaN: true }), {
      minLength: 1,
      maxLength: 30
    }),
    levels: fc.integer({ min: 1, max: 3 }),
    seed: fc.infiniteStream(fc.integer({ min: -1, max: 3 })),
    diversity: fc.double({ min: 0, max: 1, noNaN: true }),
    count: fc.integer({ min: 1, max: 35 })
  })

  fc.assert(
    fc.property(facts, ({ scores, levels, seed, diversity, count }) => {
      const all = scores.toSorted((a, b) => b - a).map((score, item) => ({ item, score }))
      const classes = Int32Array.from({ length: all.length * levels }, () => seed.next().value!)
      const categories = { levels, classes }

      const answer = diversify(all, { categories, diversity, count, itemOf: ({ item }) => item })

      expect(answer).toHaveLength(Math.min(count, all.length))
      expect(new Set(answer).size).toBe(answer.length)
      answer.forEach((taken, place) => {
        const before = answer.slice(0, place)
        const gains = all
          .filter(other => !before.includes(other))
          .map(other => gainAfter(other, before, { categories, diversity }))
        const gain = gainAfter(taken, before, { categories, diversity })
        expect(gain).toBeGreaterThanOrEqual(Math.max(...gains) - 1e-12)
      })
    })
  )
})

/** The formula of diversify.ts, written out. */
function gainAfter(
  { item, score }: Candidate,
  before: readonly Candidate[],
  { categories, diversity }: { categories: ItemCategories; diversity: number }
): number {
  const { levels, classes } = categories
  const at = (other: number, level: number) => classes[other * levels + level]!
  const isBare = (other: number) =>
    Array.from({ length: levels }, (_, level) => at(other, level)).every(name => name < 0)
  const same = isBare(item)
    ? [before.filter(({ item: other }) => isBare(other)).length]
    : Array.from({ length: levels }, (_, level) => level)
        .filter(level => at(item, level) >= 0)
        .map(
          level => before.filter(({ item: other }) => at(other, level) === at(item, level)).length
        )
  const novelty = same.reduce((sum, count) => sum + (1 - diversity) ** count, 0) / same.length
  return score * novelty
}

test('it chooses from three more for each item wanted, and forty more at least', () => {
  expect([1, 10, 20, 100].map(candidatesWanted)).toEqual([41, 50, 80, 400])
})
