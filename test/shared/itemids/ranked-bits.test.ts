import fc from 'fast-check'
import { expect, test } from 'vitest'
import { rankBits } from '#shared/itemids/ranked-bits.ts'

test('bits in a range are counted as by looking at each', () => {
  const cases = fc.record({
    bits: fc.array(fc.boolean(), { maxLength: 200 }),
    a: fc.nat(200),
    b: fc.nat(200)
  })
  fc.assert(
    fc.property(cases, ({ bits, a, b }) => {
      const [start, end] = [Math.min(a, b, bits.length), Math.min(Math.max(a, b), bits.length)]

      const ranked = rankBits(bits.length, place => bits[place]!)

      expect(ranked.countBetween(start, end)).toBe(bits.slice(start, end).filter(Boolean).length)
      expect(bits.map((_, place) => ranked.has(place))).toEqual(bits)
    }),
    { numRuns: 500 }
  )
})
