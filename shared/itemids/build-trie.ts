// Builds a trie from item IDs: sort them, then one pass in which an ID adds a node for each code that
// it does not share with the ID before it. A million IDs take a second or two.
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { ItemIds } from './item-ids.ts'
import type { Trie } from './trie.ts'
import { allocateTrie } from './trie-memory.ts'

/** IDs as rows of codes, in any order, with the number of the item that each is of. */
export interface IdRows {
  readonly depth: number
  /** [rows, depth] row-major. */
  readonly codes: Int32Array
  /** [rows] each at least 0, no two the same. */
  readonly items: Int32Array
}

/**
 * The trie of a catalogue in which item i has the codes of row i.
 *
 * @throws RecommenderError ITEM_INVALID when two items share an ID, or a code is negative.
 */
export function buildTrie({ codes, depth }: ItemIds): Trie {
  const items = Int32Array.from({ length: codes.length / depth }, (_, item) => item)
  return buildTrieOfRows({ depth, codes, items })
}

/** @throws as buildTrie. */
export function buildTrieOfRows(rows: IdRows): Trie {
  const below = rows.codes.find(code => code < 0)
  if (below !== undefined) {
    throw new RecommenderError('ITEM_INVALID', `the code ${below} is below 0`)
  }
  const order = sortRows(rows)
  const shared = sharedPrefixes(rows, order)
  const twice = shared.reduce((sum, length) => sum + (length === rows.depth ? 1 : 0), 0)
  if (twice > 0) {
    throw new RecommenderError(
      'ITEM_INVALID',
      `${twice} items share an ID with another; IDs must be unique`
    )
  }
  const itemNumbers = rows.items.reduce((largest, item) => Math.max(largest, item + 1), 0)
  const trie = allocateTrie(countNodes(shared, rows.depth), itemNumbers, {
    largestCode: rows.codes.reduce((largest, code) => Math.max(largest, code), 0),
    largestCount: longestRun(shared)
  })
  fillTrie(trie, rows, order, shared)
  return trie
}

/**
 * Rows in the order of their codes. Those at the front that are in order already, as when a trie is
 * built again after a few changes, are only merged with the rest.
 */
function sortRows(rows: IdRows): Int32Array {
  const { codes, depth, items } = rows
  let sorted = Math.min(1, items.length)
  while (sorted < items.length && compareRows(codes, depth, sorted - 1, sorted) < 0) sorted++
  const rest = countingSort(rows, sorted)
  const order = new Int32Array(items.length)
  for (let place = 0, front = 0, r = 0; place < order.length; place++) {
    const isFront =
      front < sorted && (r === rest.length || compareRows(codes, depth, front, rest[r]!) <= 0)
    order[place] = isFront ? front++ : rest[r++]!
  }
  return order
}

function compareRows(codes: Int32Array, depth: number, a: number, b: number): number {
  for (let level = 0; level < depth; level++) {
    const difference = codes[a * depth + level]! - codes[b * depth + level]!
    if (difference !== 0) return difference
  }
  return 0
}

/** The rows from `first` on, sorted stably by each code, the last one first. */
function countingSort({ codes, depth, items }: IdRows, first: number): Int32Array {
  let order = Int32Array.from({ length: items.length - first }, (_, n) => first + n)
  let sorted = new Int32Array(order.length)
  for (let level = depth - 1; level >= 0; level--) {
    const places = placesByCode(codes, depth, first * depth + level)
    for (const row of order) sorted[places[codes[row * depth + level]!]!++] = row
    ;[order, sorted] = [sorted, order]
  }
  return order
}

/** Where the rows of each code begin when they are sorted by it. @param start where the first code is. */
function placesByCode(codes: Int32Array, depth: number, start: number): Int32Array {
  let largest = 0
  for (let at = start; at < codes.length; at += depth) {
    largest = Math.max(largest, codes[at]!)
  }
  const places = new Int32Array(largest + 2)
  for (let at = start; at < codes.length; at += depth) places[codes[at]! + 1]!++
  for (let code = 1; code < places.length; code++) places[code]! += places[code - 1]!
  return places
}

/** How many codes each row, in order, shares with the one before it. */
function sharedPrefixes({ codes, depth }: IdRows, order: Int32Array): Int32Array {
  const shared = new Int32Array(order.length)
  for (let place = 1; place < order.length; place++) {
    const [before, row] = [order[place - 1]! * depth, order[place]! * depth]
    let length = 0
    while (length < depth && codes[before + length] === codes[row + length]) length++
    shared[place] = length
  }
  return shared
}

/** Items below the largest node of the first level. */
function longestRun(shared: Int32Array): number {
  let [longest, run] = [0, 0]
  for (const length of shared) {
    run = length === 0 ? 1 : run + 1
    longest = Math.max(longest, run)
  }
  return longest
}

/** First node of each level: the root, then a node for each code that a row does not share. */
function countNodes(shared: Int32Array, depth: number): Int32Array {
  const sizes = new Int32Array(depth)
  for (const length of shared) for (let level = length; level < depth; level++) sizes[level]!++
  const starts = new Int32Array(depth + 2)
  starts[1] = 1
  sizes.forEach((size, level) => {
    starts[level + 2] = starts[level + 1]! + size
  })
  return starts
}

function fillTrie(trie: Trie, rows: IdRows, order: Int32Array, shared: Int32Array): void {
  const { depth, levelStarts, firstChild, itemCount, parent, code, item, leaf } = trie
  const inner = itemCount.length
  const path = new Int32Array(depth + 1) // the nodes of the row in hand, the root first
  const next = levelStarts.slice(1) // the next free node of each level below the root
  parent[0] = -1
  firstChild[0] = 1
  firstChild[inner] = parent.length
  leaf.fill(-1)
  for (let place = 0; place < order.length; place++) {
    const row = order[place]!
    for (let level = shared[place]!; level < depth; level++) {
      const node = next[level]!++
      parent[node] = path[level]!
      code[node] = rows.codes[row * depth + level]!
      path[level + 1] = node
      if (level + 1 < depth) firstChild[node] = next[level + 1]!
    }
    for (let level = 1; level < depth; level++) itemCount[path[level]!]!++
    item[path[depth]! - inner] = rows.items[row]!
    leaf[rows.items[row]!] = path[depth]!
  }
}
