import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { beamSearch } from '#shared/inference/beam-search.ts'
import { bestFirstSearch } from '#shared/inference/best-first-search.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { ItemFilter } from '#shared/itemids/item-filter.ts'
import type { ItemIds } from '#shared/itemids/item-ids.ts'
import { childrenOf, codesOf, type TrieView } from '#shared/itemids/trie.ts'
import { TrieReader } from '#shared/itemids/trie-reader.ts'
import { TrieWriter } from '#shared/itemids/trie-writer.ts'
import { idsOf } from '#test/support/ids-of.ts'
import {
  act,
  type Expected,
  expectedOf,
  randomActs,
  rebuilt,
  searchByCodes
} from '#test/support/random-changes.ts'
import { tinyCatalogue } from '#test/support/tiny-catalogue.ts'

const lives = tinyCatalogue().chain(itemIds =>
  fc.record({
    itemIds: fc.constant(itemIds),
    acts: randomActs(itemIds.depth),
    excluded: fc.array(fc.nat(39)),
    divisor: fc.integer({ min: 1, max: 4 }),
    width: fc.integer({ min: 1, max: 40 })
  })
)

describe('a trie that changed', () => {
  test('says of each change whether it was possible', () => {
    fc.assert(
      fc.property(lives, ({ itemIds, acts }) => {
        const writer = new TrieWriter(buildTrie(itemIds))
        const expected = expectedOf(itemIds)

        for (const doing of acts) {
          const [said, possible] = act(writer, expected, doing)
          expect(said).toBe(possible)
        }
      }),
      { numRuns: 300 }
    )
  })

  test('holds what a trie holds that is built from the same items', () => {
    fc.assert(
      fc.property(lives, ({ itemIds, acts }) => {
        const { view, expected } = live(itemIds, acts)

        expect(contentOf(view)).toEqual(contentOf(rebuilt(expected, itemIds.depth)))
        expect(view.hiddenCountOf(0)).toBe(expected.hidden.size)
        for (const item of Array(40).keys()) {
          const leaf = view.leafOf(item)
          expect(leaf < 0 ? undefined : codesOf(view, leaf)).toEqual(expected.ids.get(item))
          expect(view.isHidden(item)).toBe(expected.hidden.has(item))
        }
      }),
      { numRuns: 300 }
    )
  })

  test('is searched as a trie that is built from the same items', () => {
    fc.assert(
      fc.property(lives, ({ itemIds, acts, excluded, divisor, width }) => {
        const { view, expected } = live(itemIds, acts)
        const passes = (item: number) => item % divisor === 0
        const failing = [...expected.ids.keys()].filter(item => !passes(item))

        const filter = new ItemFilter(passes)
        const without = [...excluded, ...expected.hidden, ...failing]
        const fresh = rebuilt(expected, itemIds.depth)

        for (const by of [beamSearch, bestFirstSearch]) {
          const found = searchByCodes(view, { excluded, filter, width, by })
          expect(found).toEqual(searchByCodes(fresh, { excluded: without, width, by }))
        }
      }),
      { numRuns: 1000 }
    )
  })

  test('counts what passes a filter that was made before it changed', () => {
    fc.assert(
      fc.property(lives, ({ itemIds, acts, divisor }) => {
        const writer = new TrieWriter(buildTrie(itemIds))
        const expected = expectedOf(itemIds)
        const filter = new ItemFilter(item => item % divisor === 0)

        for (const doing of acts) {
          act(writer, expected, doing)
          const passing = [...expected.ids.keys()].filter(item => item % divisor === 0)
          const shown = passing.filter(item => !expected.hidden.has(item))
          expect(filter.countOf(writer.view, 0)).toBe(shown.length)
        }
      }),
      { numRuns: 500 }
    )
  })

  test('is seen by a reader up to the last change, whenever it looks', () => {
    fc.assert(
      fc.property(lives, fc.array(fc.nat(59)), ({ itemIds, acts }, looks) => {
        const writer = new TrieWriter(buildTrie(itemIds))
        const reader = new TrieReader(writer.addReader())
        const expected = expectedOf(itemIds)

        acts.forEach((doing, n) => {
          act(writer, expected, doing)
          if (!looks.includes(n)) return
          expect(contentOf(reader.view())).toEqual(contentOf(writer.view))
        })

        const view = reader.view()
        expect(contentOf(view)).toEqual(contentOf(rebuilt(expected, itemIds.depth)))
        expect(view.hiddenCountOf(0)).toBe(expected.hidden.size)
        reader.close()
        writer.close()
      }),
      { numRuns: 300 }
    )
  })
})

describe('a writer', () => {
  test('folds by itself when its log is full, and readers follow', () => {
    const writer = new TrieWriter(buildTrie(idsOf([[0, 0]])))
    const reader = new TrieReader(writer.addReader())
    onTestFinished(() => {
      reader.close()
      writer.close()
    })
    const firstBase = writer.view.base

    for (let item = 1; item <= 3000; item++) writer.insert(item, [item % 50, item])

    expect(writer.view.base).not.toBe(firstBase)
    expect(reader.view().itemCountOf(0)).toBe(3001)
    expect(reader.view().version).toBe(writer.view.version)
  })

  test('leaves what a reader looks at as it is until that looks again', () => {
    const writer = new TrieWriter(
      buildTrie(
        idsOf([
          [0, 0],
          [0, 1]
        ])
      )
    )
    const reader = new TrieReader(writer.addReader())
    onTestFinished(() => {
      reader.close()
      writer.close()
    })
    const view = reader.view()

    writer.remove(0)
    writer.fold()
    writer.insert(5, [3, 3])

    expect(view.itemCountOf(0)).toBe(2)
    expect(view.leafOf(5)).toBe(-1)
    expect(reader.view().leafOf(0)).toBe(-1)
    expect(reader.view().leafOf(5)).toBeGreaterThan(0)
  })

  test.each<[string, number, number[]]>([
    ['its number has to be whole', -1, [0, 1]],
    ['its number has to be whole', 0.5, [0, 1]],
    ['it has an ID already', 0, [0, 1]],
    ['an ID has 2 codes here', 1, [0]],
    ['codes have to be whole', 1, [0, -1]],
    ['item 0 has the ID 0 0', 1, [0, 0]]
  ])('refuses an insert with the reason: %s', (reason, item, codes) => {
    const writer = new TrieWriter(buildTrie(idsOf([[0, 0]])))

    expect(() => writer.insert(item, codes)).toThrow(
      expect.objectContaining({ code: 'ITEM_INVALID', message: expect.stringContaining(reason) })
    )
  })

  test('starts from an empty trie too, and may remove all', () => {
    const writer = new TrieWriter(buildTrie({ ...idsOf([[0, 0]]), codes: new Int32Array(0) }))

    writer.insert(3, [1, 2])
    writer.fold()
    expect(writer.view.itemOf(writer.view.leafOf(3))).toBe(3)
    writer.remove(3)
    writer.fold()

    expect(writer.view.itemCountOf(0)).toBe(0)
  })
})

function live(itemIds: ItemIds, acts: Parameters<typeof act>[2][]) {
  const writer = new TrieWriter(buildTrie(itemIds))
  const expected: Expected = expectedOf(itemIds)
  for (const doing of acts) act(writer, expected, doing)
  return { view: writer.view, expected }
}

/** Codes, counts and items of all nodes that lead to an item, in the order of the trie. */
function contentOf(view: TrieView, node = 0): string[] {
  const own = `${codesOf(view, node)}: ${view.itemCountOf(node)} ${view.itemOf(node)}`
  const children = childrenOf(view, node)
  for (const child of children) expect(view.childBy(node, view.codeOf(child))).toBe(child)
  expect(view.largestCodeBelow(node)).toBe(children.length > 0 ? view.codeOf(children.at(-1)!) : -1)
  return [own, ...children.flatMap(child => contentOf(view, child))]
}
