import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildTrie, buildTrieOfRows } from '#shared/itemids/build-trie.ts'
import { childrenOf, codesOf, type Trie } from '#shared/itemids/trie.ts'
import { idsOf } from '#test/support/ids-of.ts'
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
    expect(buildTrie(byHand)).toMatchObject({
      depth: 3,
      levelStarts: Int32Array.of(0, 1, 3, 6, 10),
      firstChild: Int32Array.of(1, 3, 4, 6, 8, 9, 10),
      itemCount: Uint8Array.of(0, 2, 2, 2, 1, 1),
      parent: Int32Array.of(-1, 0, 0, 1, 2, 2, 3, 3, 4, 5),
      code: Uint8Array.of(0, 0, 4, 1, 0, 2, 0, 5, 0, 3),
      item: Int32Array.of(3, 1, 2, 0),
      leaf: Int32Array.of(9, 7, 8, 6)
    })
  })

  test('leads from the root to each item by its codes, and nowhere else', () => {
    fc.assert(
      fc.property(tinyCatalogue(), itemIds => {
        const trie = buildTrie(itemIds)

        const ids = pathsBelow(trie, 0)

        const { codes, depth } = itemIds
        const items = Array.from(trie.leaf.keys())
        const all = items.map(i => Array.from(codes.subarray(i * depth, (i + 1) * depth)))
        expect(ids.map(String).sort()).toEqual(all.map(String).sort())
        for (const item of items) {
          expect(codesOf(trie, trie.leafOf(item))).toEqual(all[item])
          expect(trie.itemOf(trie.leafOf(item))).toBe(item)
        }
      })
    )
  })

  test('begins the children of each node where those of the one before end', () => {
    const codes = Array.from({ length: 2000 }, (_, item) => [item % 40, (item * 7) % 50, item])
    const trie = buildTrie(idsOf(codes))
    const inner = Array.from(trie.itemCount.keys())

    const children = inner.flatMap(node => childrenOf(trie, node))

    expect(children).toEqual(Array.from({ length: trie.parent.length - 1 }, (_, n) => n + 1))
    for (const child of children) {
      expect(childrenOf(trie, trie.parentOf(child))).toContain(child)
    }
  })

  test('gives each node the items of its children', () => {
    fc.assert(
      fc.property(tinyCatalogue(), itemIds => {
        const trie = buildTrie(itemIds)

        trie.parent.forEach((_, node) => {
          const children = childrenOf(trie, node)
          const sum = children.reduce((total, child) => total + trie.itemCountOf(child), 0)
          expect(trie.itemCountOf(node)).toBe(children.length > 0 ? sum : 1)
          for (const child of children) expect(trie.parentOf(child)).toBe(node)
        })
      })
    )
  })

  test('gives the same whatever part of the rows is in order already', () => {
    fc.assert(
      fc.property(tinyCatalogue(), fc.nat(), ({ codes, depth }, seed) => {
        const items = Int32Array.from({ length: codes.length / depth }, (_, item) => item)
        const sorted = Array.from(buildTrieOfRows({ depth, codes, items }).item)
        const front = sorted.slice(0, seed % (sorted.length + 1))
        const order = [...front, ...items.filter(item => !front.includes(item))]
        const rowOf = (item: number) => Array.from(codes.subarray(item * depth, (item + 1) * depth))

        const trie = buildTrieOfRows({
          depth,
          codes: Int32Array.from(order.flatMap(rowOf)),
          items: Int32Array.from(order)
        })

        expect(Array.from(trie.item)).toEqual(sorted)
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

  test('refuses a code below zero', () => {
    expect(() => buildTrie(idsOf([[0, -1]]))).toThrow(
      expect.objectContaining({ code: 'ITEM_INVALID' })
    )
  })

  test('of no items is a root alone', () => {
    const trie = buildTrie({ ...byHand, codes: new Int32Array(0) })

    expect(trie.itemCountOf(0)).toBe(0)
    expect(childrenOf(trie, 0)).toEqual([])
    expect(trie.leafOf(0)).toBe(-1)
  })

  test('of rows with item numbers holds those numbers and no others', () => {
    const items = Int32Array.of(7, 2)

    const trie = buildTrieOfRows({ depth: 1, codes: Int32Array.of(5, 3), items })

    expect(trie.item).toEqual(Int32Array.of(2, 7))
    expect([2, 7, 0, 8].map(trie.leafOf)).toEqual([1, 2, -1, -1])
  })
})

/** Every sequence of codes that leads from a node to a leaf. */
function pathsBelow(trie: Trie, node: number): number[][] {
  const children = childrenOf(trie, node)
  if (children.length === 0) return [[]]
  return children.flatMap(child =>
    pathsBelow(trie, child).map(rest => [trie.codeOf(child), ...rest])
  )
}

test('codes and counts are as wide as their largest needs', () => {
  const widthsOf = (ids: readonly (readonly number[])[]) => {
    const trie = buildTrie(idsOf(ids))
    return [trie.code.BYTES_PER_ELEMENT, trie.itemCount.BYTES_PER_ELEMENT]
  }
  const below = (count: number) => Array.from({ length: count }, (_, n) => [7, n])

  expect(widthsOf([[255, 0]])).toEqual([1, 1])
  expect(widthsOf([[256, 0]])).toEqual([2, 1])
  expect(widthsOf([[65_536, 0]])).toEqual([4, 1])
  expect(widthsOf(below(255))).toEqual([1, 1])
  expect(widthsOf(below(256))).toEqual([1, 2])
  expect(widthsOf(below(65_536))).toEqual([2, 4])
  expect(buildTrie(idsOf(below(65_536))).itemCountOf(1)).toBe(65_536)
})
