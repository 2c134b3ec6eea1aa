// The trie of valid item IDs, as flat arrays. Generation walks it from the root, so that it can only
// ever write the ID of an item that exists.
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { ItemIds } from './item-ids.ts'

/**
 * Nodes are numbered level by level from the root, 0, so that the children of a node stand side by
 * side: firstChild[n] to firstChild[n] + childCount[n] - 1, in the order of their codes.
 */
export interface Trie {
  /** Levels below the root. */
  readonly depth: number
  /** First node of each level; levelStarts[depth + 1] is the number of nodes. */
  readonly levelStarts: Int32Array
  readonly firstChild: Int32Array
  readonly childCount: Int32Array
  readonly parent: Int32Array
  /** The code that leads from the parent to this node; -1 for the root. */
  readonly code: Int32Array
  /** Items at or below this node. */
  readonly itemCount: Int32Array
  /** Item of a leaf; -1 elsewhere. */
  readonly item: Int32Array
  /** Leaf of each item. */
  readonly leaf: Int32Array
}

/** Builds the trie. @throws RecommenderError ITEM_INVALID when two items share an ID. */
export function buildTrie({ codes, depth }: ItemIds): Trie {
  const count = codes.length / depth
  const order = Int32Array.from({ length: count }, (_, i) => i).sort((a, b) =>
    compare(codes, depth, a, b)
  )
  const levels = Array.from({ length: depth }, (_, level) =>
    nodesOfLevel(codes, depth, order, level)
  )
  const levelStarts = new Int32Array(depth + 2)
  levelStarts[1] = 1
  levels.forEach((starts, level) => {
    levelStarts[level + 2] = levelStarts[level + 1]! + starts.length
  })
  const leaves = levels.at(-1)!.length
  if (leaves < count) {
    throw new RecommenderError(
      'ITEM_INVALID',
      `${count - leaves} items share an ID with another; IDs must be unique`
    )
  }
  return linkLevels({ codes, depth, order, levels, levelStarts })
}

function compare(codes: Int32Array, depth: number, a: number, b: number): number {
  for (let level = 0; level < depth; level++) {
    const difference = codes[a * depth + level]! - codes[b * depth + level]!
    if (difference !== 0) return difference
  }
  return 0
}

/** Places in `order` where the prefix of length level + 1 changes: the first item of each node. */
function nodesOfLevel(
  codes: Int32Array,
  depth: number,
  order: Int32Array,
  level: number
): number[] {
  const starts: number[] = []
  order.forEach((item, place) => {
    const before = order[place - 1]
    const isNew = before === undefined || !samePrefix(codes, depth, before, item, level)
    if (isNew) starts.push(place)
  })
  return starts
}

function samePrefix(
  codes: Int32Array,
  depth: number,
  a: number,
  b: number,
  level: number
): boolean {
  for (let l = 0; l <= level; l++) if (codes[a * depth + l] !== codes[b * depth + l]) return false
  return true
}

interface SortedLevels {
  readonly codes: Int32Array
  readonly depth: number
  readonly order: Int32Array
  readonly levels: readonly number[][]
  readonly levelStarts: Int32Array
}

function linkLevels({ codes, depth, order, levels, levelStarts }: SortedLevels): Trie {
  const size = levelStarts[depth + 1]!
  const column = (value = 0) => new Int32Array(size).fill(value)
  const trie = {
    depth,
    levelStarts,
    firstChild: column(),
    childCount: column(),
    parent: column(-1),
    code: column(-1),
    itemCount: column(),
    item: column(-1),
    leaf: new Int32Array(order.length)
  }
  trie.itemCount[0] = order.length
  levels.forEach((starts, level) => {
    let parent = levelStarts[level]!
    starts.forEach((start, n) => {
      const node = levelStarts[level + 1]! + n
      const end = starts[n + 1] ?? order.length
      // The parent is the node above whose items include this one's first item.
      while (
        level > 0 &&
        (levels[level - 1]![parent - levelStarts[level]! + 1] ?? order.length) <= start
      )
        parent++
      trie.parent[node] = parent
      if (trie.childCount[parent]!++ === 0) trie.firstChild[parent] = node
      trie.code[node] = codes[order[start]! * depth + level]!
      trie.itemCount[node] = end - start
      if (level === depth - 1) {
        trie.item[node] = order[start]!
        trie.leaf[order[start]!] = node
      }
    })
  })
  return trie
}

/** Codes from the root to a node. */
export function codesOf(trie: Trie, node: number): number[] {
  const codes: number[] = []
  for (let n = node; n > 0; n = trie.parent[n]!) codes.unshift(trie.code[n]!)
  return codes
}

/**
 * Items that a request may not receive, counted at every node above them, so that a search never
 * enters a branch in which nothing is allowed.
 */
export class Exclusions {
  readonly #trie: Trie
  readonly #excluded = new Map<number, number>()

  constructor(trie: Trie, items: Iterable<number>) {
    this.#trie = trie
    for (const item of new Set(items)) {
      for (let n = trie.leaf[item]!; n >= 0; n = trie.parent[n]!) {
        this.#excluded.set(n, (this.#excluded.get(n) ?? 0) + 1)
      }
    }
  }

  /** Items at or below a node that the request may receive. */
  allowed(node: number): number {
    return this.#trie.itemCount[node]! - (this.#excluded.get(node) ?? 0)
  }
}
