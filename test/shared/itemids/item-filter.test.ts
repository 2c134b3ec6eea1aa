import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { Exclusions } from '#shared/itemids/exclusions.ts'
import { ItemFilter } from '#shared/itemids/item-filter.ts'
import { TrieWriter } from '#shared/itemids/trie-writer.ts'
import { idsOf } from '#test/support/ids-of.ts'
import { tinyCatalogue } from '#test/support/tiny-catalogue.ts'

describe('a filter', () => {
  test('counts at every node what exclusion of all else leaves', () => {
    fc.assert(
      fc.property(
        tinyCatalogue().map(buildTrie),
        fc.integer({ min: 1, max: 5 }),
        (trie, divisor) => {
          const filter = new ItemFilter(item => item % divisor === 0)
          const others = Array.from(trie.leaf.keys()).filter(item => !filter.passes(item))
          const exclusions = new Exclusions(trie, others)

          trie.parent.forEach((_, node) => {
            expect(filter.countOf(trie, node)).toBe(exclusions.allowed(node))
          })
        }
      )
    )
  })

  test('serves two tries in turn', () => {
    const ids = idsOf([
      [0, 0],
      [0, 1],
      [1, 0]
    ])
    const [one, other] = [new TrieWriter(buildTrie(ids)), new TrieWriter(buildTrie(ids))]
    const filter = new ItemFilter(item => item > 0)

    one.remove(1)
    other.insert(3, [4, 4])

    for (const _ of [1, 2]) {
      expect(filter.countOf(one.view, 0)).toBe(1)
      expect(filter.countOf(other.view, 0)).toBe(3)
    }
  })
})
