import { expect, test } from 'vitest'
import { assignItemIds } from '#shared/itemids/assign-item-ids.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { childrenOf } from '#shared/itemids/trie.ts'
import { createRandom } from '#shared/runtime/random.ts'
import {
  firstItems,
  groupCount,
  pathOf,
  smallInput,
  smallItems,
  unclicked
} from './small-catalogue.ts'

test('items that are visited together share a path', () => {
  const assigned = assignItemIds(
    'collaborative',
    smallInput({ settings: { branching: groupCount, clusterSize: 12 } })
  )

  const paths = smallItems.map((_, item) => pathOf(assigned, item).join())
  const ofGroups = Array.from(
    { length: groupCount },
    (_, group) => new Set(paths.filter((_, item) => item % groupCount === group))
  )

  expect(ofGroups.map(group => group.size)).toEqual(new Array(groupCount).fill(1))
  expect(new Set(paths).size).toBe(groupCount)
})

test('no cell that is visited holds more items than a cluster may', () => {
  const settings = { branching: 3, clusterSize: 4 }
  const assigned = assignItemIds('collaborative', smallInput({ settings }))

  const sizes = new Map<string, number>()
  smallItems.forEach((_, item) => {
    if (unclicked.includes(item)) return
    const path = pathOf(assigned, item).join()
    sizes.set(path, (sizes.get(path) ?? 0) + 1)
  })

  expect(Math.max(...sizes.values())).toBeLessThanOrEqual(4)
})

test('every division divides, also three items of which two look the same', () => {
  const sessions = [
    [5, 0],
    [1, 2, 7],
    [4, 5, 0],
    [0, 6, 2, 0, 6],
    [7, 0, 6],
    [5, 0, 0, 1]
  ]
  const first = firstItems(8)
  const input = {
    ...first,
    sessions: [...sessions, [3, 5, 5, 0, 1, 2, 0, 2]].map(items => Int32Array.from(items)),
    metadataVectors: new Float32Array(first.metadataVectors.length),
    settings: { branching: 2, clusterSize: 2 }
  }

  for (let seed = 0; seed < 100; seed++) {
    const assigned = assignItemIds('collaborative', { ...input, random: createRandom(seed) })
    expect(assigned.itemIds.depth).toBeGreaterThan(1)
  }
})

test('shorter paths are filled up with zeros, which lead nowhere else', () => {
  const settings = { branching: 3, clusterSize: 6 }
  const { itemIds } = assignItemIds('collaborative', smallInput({ settings }))

  const trie = buildTrie(itemIds)

  for (let node = 1; node < trie.levelStarts[trie.depth]!; node++) {
    if (trie.code[node] !== 0) continue
    expect(childrenOf(trie, trie.parentOf(node))).toEqual([node])
  }
})

test('a graph whose items are all visited alike is divided nevertheless', () => {
  const everything = Int32Array.from({ length: 20 }, (_, i) => i * 3)
  const sessions = [everything, everything.toReversed()]
  const settings = { branching: 2, clusterSize: 3 }

  const { itemIds } = assignItemIds(
    'collaborative',
    smallInput({ sessions, settings, random: createRandom(1) })
  )

  expect(buildTrie(itemIds).itemCountOf(0)).toBe(60)
})

test('items that visits join with no other item of their cluster follow their metadata', () => {
  // A chain: whichever way it is cut, some of its parts have no edge inside.
  const sessions = Array.from({ length: 59 }, (_, i) =>
    Int32Array.of((i * 7) % 60, (i * 7 + 7) % 60)
  )

  const { itemIds } = assignItemIds(
    'collaborative',
    smallInput({ sessions, settings: { branching: 4, clusterSize: 4 } })
  )

  expect(buildTrie(itemIds).itemCountOf(0)).toBe(60)
})
