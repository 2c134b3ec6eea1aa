import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { assignResidualKmeans } from '#shared/itemids/residual-kmeans.ts'
import { evenShape } from '#shared/itemids/scheme.ts'
import { createRandom } from '#shared/runtime/random.ts'

test.each([
  [0, 3, 1],
  [1, 3, 1],
  [8, 3, 2],
  [9, 3, 3],
  [217, 3, 7],
  [1000, 3, 10],
  [12_101, 3, 23],
  [64 ** 3, 3, 64],
  [64 ** 3 + 1, 4, 23],
  [1e6, 4, 32]
])(
  'IDs of a catalogue of %i items have %i levels of about %i codes',
  (items, levels, branching) => {
    expect(evenShape(items)).toEqual({ levels, branching })
  }
)

describe('assignResidualKmeans', () => {
  test('gives every item an ID of its own, also where vectors are the same', () => {
    const vectors = fc
      .array(fc.constantFrom(0, 0.5, 1, 7), { maxLength: 120 })
      .map(values => Float32Array.from(values.slice(0, values.length - (values.length % 3))))

    fc.assert(
      fc.property(vectors, made => {
        const { itemIds } = assignResidualKmeans(made, 3, createRandom(1))

        const trie = buildTrie(itemIds) // throws when two items share an ID

        expect(trie.itemCountOf(0)).toBe(made.length / 3)
        itemIds.codes.forEach((code, i) => {
          expect(code).toBeGreaterThanOrEqual(0)
          expect(code).toBeLessThan(itemIds.levelSizes[i % itemIds.depth]!)
        })
      }),
      { numRuns: 200 }
    )
  })

  test('fills no first code beyond 1.15 times its share', () => {
    const random = createRandom(2)
    const vectors = Float32Array.from({ length: 600 }, () => random.normal())

    const { itemIds } = assignResidualKmeans(vectors, 2, random) // 300 items, seven first codes

    const sizes = new Int32Array(7)
    for (let i = 0; i < 300; i++) sizes[itemIds.codes[i * 3]!]!++
    expect(Math.max(...sizes)).toBeLessThanOrEqual(Math.ceil((300 / 7) * 1.15))
  })

  test('fills no cell beyond twice the share of its parent, where half of the items are alike', () => {
    const random = createRandom(2)
    const vectors = Float32Array.from({ length: 2000 }, (_, i) => (i < 1000 ? 1 : random.normal()))

    const { itemIds } = assignResidualKmeans(vectors, 2, random) // 1000 items, ten codes a level

    const [tops, cells] = [1, 2].map(length => sizesOf(itemIds.codes, length))
    for (const [cell, size] of cells!) {
      const share = tops!.get(cell.split(',')[0]!)! / 10
      expect(size).toBeLessThanOrEqual(Math.max(Math.ceil(share), 2 * share))
    }
    expect(itemIds.levelSizes[2]).toBeLessThanOrEqual(23)
  })

  test('gives similar items a common prefix', () => {
    const { itemIds, groups } = groupedItems()

    const prefixes = groups.map((_, i) => Array.from(itemIds.codes.subarray(i * 3, i * 3 + 2)))

    groups.forEach((group, i) => {
      expect(prefixes[i]).toEqual(prefixes[groups.indexOf(group)])
    })
    expect(new Set(prefixes.map(prefix => prefix.join())).size).toBe(16)
  })

  test('gives the same IDs for the same seed', () => {
    expect(groupedItems(1)).toEqual(groupedItems(1))
    expect(groupedItems(1).itemIds).not.toEqual(groupedItems(2).itemIds)
  })

  test('leaves the vectors as they were', () => {
    const vectors = Float32Array.of(1, 2, 3, 4)

    assignResidualKmeans(vectors, 2, createRandom(1))

    expect(vectors).toEqual(Float32Array.of(1, 2, 3, 4))
  })
})

/** Items below each prefix of so many codes. */
function sizesOf(codes: Int32Array, length: number): Map<string, number> {
  const sizes = new Map<string, number>()
  for (let start = 0; start < codes.length; start += 3) {
    const prefix = codes.subarray(start, start + length).join()
    sizes.set(prefix, (sizes.get(prefix) ?? 0) + 1)
  }
  return sizes
}

/**
 * 64 items in sixteen groups of four, for four codes on each coarse level: four places far apart,
 * which the first level finds, and near each four directions, which are left for the second.
 */
function groupedItems(seed = 1) {
  const random = createRandom(7)
  const groups = Array.from({ length: 64 }, (_, i) => i % 16)
  const vectors = Float32Array.from({ length: 64 * 4 }, () => random.normal() * 0.01)
  groups.forEach((group, i) => {
    const [place, direction] = [group & 3, group >> 2]
    vectors[i * 4]! += place & 1 ? 100 : 0
    vectors[i * 4 + 1]! += place & 2 ? 100 : 0
    vectors[i * 4 + 2 + (direction & 1)]! += direction & 2 ? 1 : -1
  })
  return { ...assignResidualKmeans(vectors, 4, createRandom(seed)), vectors, groups }
}
