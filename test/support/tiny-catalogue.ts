// Random item IDs of small catalogues, for tests that hold of any.
import fc from 'fast-check'
import type { ItemIds } from '#shared/itemids/item-ids.ts'

/** One to thirty items with distinct IDs of one to three codes below five. */
export function tinyCatalogue(): fc.Arbitrary<ItemIds> {
  return fc.integer({ min: 1, max: 3 }).chain(depth =>
    fc
      .uniqueArray(fc.array(fc.nat(4), { minLength: depth, maxLength: depth }), {
        minLength: 1,
        maxLength: 30,
        selector: codes => codes.join()
      })
      .map(ids => ({
        scheme: 'residual-kmeans' as const,
        depth,
        levelSizes: Array.from({ length: depth }, () => 5),
        codes: Int32Array.from(ids.flat())
      }))
  )
}
