import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ItemIds } from '#shared/itemids/item-ids.ts'
import { buildTrie, codesOf, Exclusions, type Trie } from '#shared/itemids/trie.ts'
import { tinyCatalogue } from '#test/support/tiny-catalogue.ts'

//          0
//      1(0)  2(4)
//     3(1)  4(0) 5(2)
//   6(0) 7(5) 8(0) 9(3)
const byHand = idsOf([
  [4, 2, 3], // item 0, leaf 9
  [0, 1, 5], // item 1, leaf 7
  [4, 0, 0], // item 2, leaf 8
  [0, 1, 0] // item 3, leaf 6
])

describe('buildTrie', () => {
  test('numbers nodes level by level, children in the order of their codes', () => {
    expect(buildTrie(byHand)).toEqual({
      depth: 3,
      levelStarts: Int32Array.of(0, 1, 3, 6, 10),
      firstChild: Int32Array.of(1, 3, 4, 6, 8, 9, 0, 0, 0, 0),
      childCount: Int32Array.of(2, 1, 2, 2, 1, 1, 0, 0, 0, 0),
      parent: Int32Array.of(-1, 0, 0, 1, 2, 2, 3, 3, 4, 5),
      code: Int32Array.of(-1, 0, 4, 1, 0, 2, 0, 5, 0, 3),
      itemCount: Int32Array.of(4, 2, 2, 2, 1, 1, 1, 1, 1, 1),
      item: Int32Array.of(-1, -1, -1, -1, -1, -1, 3, 1, 2, 0),
      leaf: Int32Array.of(9, 7, 8, 6)
    })
  })

  test('leads from the root to each item by its codes, and nowhere else', () => {
    fc.assert(
      fc.property(tinyCatalogue(), itemIds => {
        const trie = buildTrie(itemIds)

        const ids = pathsBelow(trie, 0).sort()

        expect(ids).toEqual(allIds(itemIds).sort())
        allIds(itemIds).forEach((codes, item) => {
          expect(codesOf(trie, trie.leaf[item]!)).toEqual(codes)
          expect(trie.item[trie.leaf[item]!]).toBe(item)
        })
      })
    )
  })

  test('gives each node the items of its children', () => {
    fc.assert(
      fc.property(tinyCatalogue(), itemIds => {
        const trie = buildTrie(itemIds)

        trie.itemCount.forEach((count, node) => {
          const children = childrenOf(trie, node)
          const sum = children.reduce((total, child) => total + trie.itemCount[child]!, 0)
          expect(count).toBe(children.length > 0 ? sum : 1)
          for (const child of children) expect(trie.parent[child]).toBe(node)
        })
      })
    )
  })

  test('refuses two items with one ID', () => {
    const twice = idsOf([
      [0, 1],
      [0, 2],
      [0, 1]
    ])

    expect(() => buildTrie(twice)).toThrow(
      expect.objectContaining({
        code: 'ITEM_INVALID',
        message: expect.stringContaining('1 items share an ID')
      })
    )
  })

  test('of no items is a root alone', () => {
    const trie = buildTrie({ ...byHand, codes: new Int32Array(0) })

    expect(trie.itemCount).toEqual(Int32Array.of(0))
    expect(trie.leaf).toHaveLength(0)
  })
})

describe('Exclusions', () => {
  test('take items from every node above them, once each', () => {
    const trie = buildTrie(byHand)

    const exclusions = new Exclusions(trie, [1, 3, 1, 2])

    const allowed = Array.from(trie.item, (_, node) => exclusions.allowed(node))
    expect(allowed).toEqual([1, 0, 1, 0, 0, 1, 0, 0, 0, 1])
  })

  test('of nothing allow every item', () => {
    const trie = buildTrie(byHand)

    expect(new Exclusions(trie, []).allowed(0)).toBe(4)
  })

  test('of an item that is not in the trie change nothing', () => {
    const trie = buildTrie(byHand)

    expect(new Exclusions(trie, [4, 99]).allowed(0)).toBe(4)
  })
})

function idsOf(ids: readonly (readonly number[])[]): ItemIds {
  const depth = ids[0]!.length
  const levelSizes = ids[0]!.map((_, level) => 1 + Math.max(...ids.map(codes => codes[level]!)))
  return { scheme: 'residual-kmeans', depth, levelSizes, codes: Int32Array.from(ids.flat()) }
}

function allIds({ codes, depth }: ItemIds): number[][] {
  const count = codes.length / depth
  return Array.from({ length: count }, (_, i) =>
    Array.from(codes.subarray(i * depth, (i + 1) * depth))
  )
}

function childrenOf(trie: Trie, node: number): number[] {
  return Array.from(
    { length: trie.childCount[node]! },
    (_, child) => trie.firstChild[node]! + child
  )
}

/** Every sequence of codes that leads from a node to a leaf. */
function pathsBelow(trie: Trie, node: number): number[][] {
  const children = childrenOf(trie, node)
  if (children.length === 0) return [[]]
  return children.flatMap(child =>
    pathsBelow(trie, child).map(rest => [trie.code[child]!, ...rest])
  )
}
