import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TopItems } from '#shared/recommendations/top-items.ts'

const cases = fc.record({
  most: fc.integer({ min: 1, max: 12 }),
  // Few different scores, so that many are equal.
  scored: fc.uniqueArray(fc.tuple(fc.nat(60), fc.integer({ min: -3, max: 3 })), {
    selector: ([item]) => item,
    maxLength: 40
  })
})

test('the best are what sorting all and cutting gives, in whatever order they were offered', () => {
  fc.assert(
    fc.property(cases, ({ most, scored }) => {
      const best = new TopItems(most)
      for (const [item, score] of scored) best.offer(item, score)

      const sorted = [...scored].sort(([a, x], [b, y]) => y - x || a - b)
      expect(best.items).toEqual(sorted.slice(0, most).map(([item]) => item))
    })
  )
})

test('what would be kept is known before it is offered', () => {
  fc.assert(
    fc.property(cases, ({ most, scored }) => {
      const best = new TopItems(most)
      for (const [item, score] of scored) {
        const wouldKeep = best.wouldKeep(item, score)
        best.offer(item, score)
        expect(best.items.includes(item)).toBe(wouldKeep)
      }
    })
  )
})
