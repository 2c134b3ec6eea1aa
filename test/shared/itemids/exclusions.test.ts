import { expect, test } from 'vitest'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { Exclusions } from '#shared/itemids/exclusions.ts'
import { ItemFilter } from '#shared/itemids/item-filter.ts'
import { idsOf } from '#test/support/ids-of.ts'

// Nodes: 0; 1 2; 3 4 5; 6 (item 3), 7 (item 1), 8 (item 2), 9 (item 0).
const trie = buildTrie(
  idsOf([
    [4, 2, 3],
    [0, 1, 5],
    [4, 0, 0],
    [0, 1, 0]
  ])
)

test('exclusions take items from every node above them, once each', () => {
  expect(allowedBy(new Exclusions(trie, [1, 3, 1, 2]))).toEqual([1, 0, 1, 0, 0, 1, 0, 0, 0, 1])
})

test('exclusions of nothing allow every item', () => {
  expect(new Exclusions(trie, []).allowed(0)).toBe(4)
})

test('exclusions of an item that is not in the trie change nothing', () => {
  expect(new Exclusions(trie, [4, 99]).allowed(0)).toBe(4)
})

test('exclusions with a filter allow what passes it and is not excluded', () => {
  const filter = new ItemFilter(item => item !== 1)

  expect(allowedBy(new Exclusions(trie, [1, 2], filter))).toEqual([2, 1, 1, 1, 0, 1, 1, 0, 0, 1])
})

function allowedBy(exclusions: Exclusions): number[] {
  return Array.from(trie.parent, (_, node) => exclusions.allowed(node))
}
