// Gives an item that was not there when IDs were fitted an ID, from its metadata alone: what can be
// read of its path is read, the rest of the path leads to the cell whose items' metadata vectors are
// nearest, and the last code is a free one of that cell. What was read is kept: where no item of the
// release has it, as in a category that nobody visited, there is nothing more in the path; and where
// all cells below it are full, the item is refused rather than put under words that are not its own.
// As long as cells have room, the cell depends on nothing but the item and the release; the last code
// also on who came before, and is kept once the item is in the trie.
import type { Item } from '#shared/catalog/item.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { buildTrieOfRows } from './build-trie.ts'
import type { ItemIds } from './item-ids.ts'
import { type PathReader, pathReader } from './read-path.ts'
import { nothingMore, type Reading } from './scheme.ts'
import { childrenOf, codesOf, type Trie, type TrieView } from './trie.ts'

/** What placing needs beside the IDs; part of a release. */
export interface Placing {
  readonly reading: Reading
  /** What the last code is: the item's place in its cell, or the item's own number in the catalogue. */
  readonly lastCode: 'place' | 'number'
  /** Most codes of a level; absent where any number will do. */
  readonly codesPerLevel?: number | undefined
  /** D */
  readonly width: number
  /** [nodes, D] mean metadata vector below each node of the tree of paths, see cellTree. */
  readonly centroids: Float32Array
}

export interface NewItem {
  readonly item: Item
  /** [D] of its metadata alone. */
  readonly vector: Float32Array
  /** Its number, which no other item has. */
  readonly number: number
}

/** Places items; nothing of it changes. */
export interface Placer {
  /**
   * @param trie that the item is to be inserted into, with all that was inserted before.
   * @returns [depth] codes that no item of the trie has.
   * @throws RecommenderError ITEM_INVALID when every cell that may hold it is full: one with the codes
   *   that can be read of the item, any where none can.
   */
  place(item: NewItem, trie: TrieView): number[]
}

/** Nodes of a level that stay in the choice: the nearest of these is nearest of all, but rarely not. */
const kept = 8

/** @param itemIds of the release: not those of items that came later. */
export function createPlacer(itemIds: Pick<ItemIds, 'codes' | 'depth'>, placing: Placing): Placer {
  const cells = cellTree(itemIds)
  const read = pathReader(placing.reading)
  return {
    place(newItem, trie) {
      const { lastCode, codesPerLevel: limit = Number.POSITIVE_INFINITY } = placing
      if (lastCode === 'place' || newItem.number < limit) {
        for (const path of pathsFor(newItem, cells, read, placing)) {
          const last = lastCode === 'number' ? newItem.number : freeCode(trie, path, limit)
          if (last !== undefined) return [...path, last]
        }
      }
      throw noRoom(newItem.item, read(newItem.item), limit)
    }
  }
}

function noRoom({ key }: Item, known: readonly number[], limit: number): RecommenderError {
  const place = known.length > 0 ? ` for the items of its own codes, ${known.join(' ')}` : ''
  return new RecommenderError(
    'ITEM_INVALID',
    `item ${key} finds no room: ${limit} codes a level are too few${place}; train again, or allow more codes`
  )
}

/** The tree of the paths that a catalogue's items have; its "items" are the cells. */
export function cellTree({ codes, depth }: Pick<ItemIds, 'codes' | 'depth'>): Trie {
  const length = depth - 1
  const paths = new Map<string, Int32Array>()
  for (let start = 0; start < codes.length && length > 0; start += depth) {
    const path = codes.subarray(start, start + length)
    paths.set(path.join(), path)
  }
  const rows = Int32Array.from([...paths.values()].flatMap(path => Array.from(path)))
  const items = Int32Array.from({ length: paths.size }, (_, cell) => cell)
  return buildTrieOfRows({ depth: length, codes: rows, items })
}

/** Paths that the item may have, the best first: those that are seldom needed when they are asked for. */
function* pathsFor(
  { item, vector }: NewItem,
  cells: Trie,
  read: PathReader,
  placing: Placing
): Generator<readonly number[]> {
  const known = read(item)
  const along = nodesAlong(cells, known)
  if (known.length === cells.depth || along.length <= known.length) {
    yield Array.from({ length: cells.depth }, (_, level) => known[level] ?? nothingMore)
    return
  }
  const top = along.at(-1)!
  let nodes: readonly number[] = [top]
  for (let level = known.length; level < cells.depth; level++) {
    nodes = nearestChildren(nodes, vector, cells, placing)
  }
  for (const node of nodes) yield codesOf(cells, node)
  for (const node of farther(nodes, top, vector, cells, placing)) yield codesOf(cells, node)
}

/** All other cells below a node, the nearest first. */
function farther(
  near: readonly number[],
  top: number,
  vector: Float32Array,
  cells: Trie,
  placing: Placing
): number[] {
  let nodes = [top]
  while (nodes[0]! < cells.itemCount.length) nodes = nodes.flatMap(node => childrenOf(cells, node))
  const distances = new Map(
    nodes.map(node => [node, distanceTo(vector, node, placing, Number.POSITIVE_INFINITY)])
  )
  for (const node of near) distances.delete(node)
  return [...distances].sort(([a, x], [b, y]) => x - y || a - b).map(([node]) => node)
}

/** The children of some nodes whose centroids are nearest, the nearest first; of equals the first node. */
function nearestChildren(
  nodes: readonly number[],
  vector: Float32Array,
  { firstChild }: Trie,
  placing: Placing
): number[] {
  const near: number[] = []
  const distances: number[] = []
  for (const node of nodes) {
    for (let child = firstChild[node]!; child < firstChild[node + 1]!; child++) {
      const limit = near.length < kept ? Number.POSITIVE_INFINITY : distances[kept - 1]!
      const distance = distanceTo(vector, child, placing, limit)
      if (distance > limit) continue
      let place = near.length
      while (place > 0 && isNearer(distance, child, distances[place - 1]!, near[place - 1]!))
        place--
      near.splice(place, 0, child)
      distances.splice(place, 0, distance)
      near.length = distances.length = Math.min(kept, near.length)
    }
  }
  return near
}

function isNearer(distance: number, node: number, than: number, other: number): boolean {
  return distance < than || (distance === than && node < other)
}

/** The nodes that the codes lead over, the root first, as far as there are any. */
export function nodesAlong(trie: TrieView, codes: Iterable<number>): number[] {
  const nodes = [0]
  for (const code of codes) {
    const child = trie.childBy(nodes.at(-1)!, code)
    if (child === undefined) break
    nodes.push(child)
  }
  return nodes
}

/** Squared; above `limit` anything that is above it, as soon as that is known. */
function distanceTo(
  vector: Float32Array,
  node: number,
  { centroids, width }: Placing,
  limit: number
): number {
  const start = node * width
  let sum = 0
  for (let d = 0; d < width && sum <= limit; d++) {
    const difference = vector[d]! - centroids[start + d]!
    sum += difference * difference
  }
  return sum
}

/** One above the largest that the cell has, 0 in a new one; at the limit the first that is free, if any. */
function freeCode(trie: TrieView, path: readonly number[], limit: number): number | undefined {
  const nodes = nodesAlong(trie, path)
  if (nodes.length <= path.length) return 0
  const cell = nodes.at(-1)!
  const next = trie.largestCodeBelow(cell) + 1
  if (next < limit) return next
  const taken = trie.itemCountOf(cell)
  if (taken >= limit) return undefined
  const free = childrenOf(trie, cell).findIndex((child, place) => trie.codeOf(child) > place)
  return free < 0 ? taken : free
}
