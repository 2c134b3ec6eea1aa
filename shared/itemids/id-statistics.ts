// What the IDs of a catalogue are like: how evenly they branch, how long they are, what they waste.
import type { ItemIds } from './item-ids.ts'
import { isFilledUp, nothingMore } from './scheme.ts'
import { childrenOf, type Trie } from './trie.ts'

export interface IdStatistics {
  readonly items: number
  readonly levels: readonly LevelStatistics[]
  /** How many items have an ID of so many codes, filling not counted. */
  readonly lengths: ReadonlyMap<number, number>
  /** Items that share all codes but the last one with another: told apart by number alone. */
  readonly sharingCell: number
  readonly cells: number
  /** Cells that hold more than one item. */
  readonly sharedCells: number
  readonly largestCell: number
  /** Of the trie in memory. */
  readonly bytesPerItem: number
}

export interface LevelStatistics {
  /** Codes of the vocabulary, and how many of them occur. */
  readonly codes: number
  readonly usedCodes: number
  readonly nodes: number
  /** Items below the largest node, over the mean of the level: 1 is even. */
  readonly imbalance: number
  readonly mostChildren: number
}

/** @param trie of these IDs. */
export function idStatistics(itemIds: ItemIds, trie: Trie): IdStatistics {
  const cellNodes = nodesOf(trie, trie.depth - 1)
  const cellSizes = cellNodes.map(node => trie.itemCountOf(node))
  const shared = cellSizes.filter(size => size > 1)
  return {
    items: trie.itemCountOf(0),
    levels: itemIds.levelSizes.map((codes, level) => levelStatistics(trie, level + 1, codes)),
    lengths: lengthsOf(itemIds),
    sharingCell: shared.reduce((sum, size) => sum + size, 0),
    cells: cellNodes.length,
    sharedCells: shared.length,
    largestCell: cellSizes.reduce((largest, size) => Math.max(largest, size), 0),
    bytesPerItem: trie.memory.byteLength / trie.itemCountOf(0)
  }
}

function levelStatistics(trie: Trie, level: number, codes: number): LevelStatistics {
  const nodes = nodesOf(trie, level)
  const largest = nodes.reduce((most, node) => Math.max(most, trie.itemCountOf(node)), 0)
  const parents = nodesOf(trie, level - 1)
  return {
    codes,
    usedCodes: new Set(nodes.map(node => trie.codeOf(node))).size,
    nodes: nodes.length,
    imbalance: largest / (trie.itemCountOf(0) / nodes.length),
    mostChildren: parents.reduce((most, node) => Math.max(most, childrenOf(trie, node).length), 0)
  }
}

function nodesOf({ levelStarts }: Trie, level: number): number[] {
  const [start, end] = [levelStarts[level]!, levelStarts[level + 1]!]
  return Array.from({ length: end - start }, (_, n) => start + n)
}

/** Codes of the paths that are not filling, of both paths where there are two, and the last one. */
export function lengthsOf({ scheme, codes, depth }: ItemIds): Map<number, number> {
  const lengths = new Map<number, number>()
  for (let start = 0; start < codes.length; start += depth) {
    const path = codes.subarray(start, start + depth - 1)
    const said = isFilledUp(scheme) ? path.filter(code => code !== nothingMore) : path
    lengths.set(said.length + 1, (lengths.get(said.length + 1) ?? 0) + 1)
  }
  return new Map([...lengths].sort(([a], [b]) => a - b))
}
