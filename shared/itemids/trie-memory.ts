// How a trie lies in memory: one SharedArrayBuffer, so that any number of worker threads read the same
// copy. The bytes of a file are the same. Codes and counts are as wide as their largest needs: most
// catalogues have fewer than 256 codes on a level and fewer than 65,536 items below a first code.
//
//   32-bit numbers
//   0              format of this layout
//   1              depth
//   2              length of `leaf`: the largest item number plus one
//   3, 4           bytes of a code (1, 2 or 4), bytes of a count (1, 2 or 4)
//   5 ..           levelStarts [depth + 2]
//   then           firstChild [inner + 1], parent [nodes], item [leaves], leaf [items]
//   then, each begun at a multiple of four bytes
//                  code [nodes], itemCount [inner]
//
// A node takes 4 bytes and its code, an inner one 4 more and its count, an item 8.
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { Trie } from './trie.ts'

const format = 2
const headerLength = 5

/** The largest numbers that the narrow columns have to hold. */
export interface TrieLimits {
  readonly largestCode: number
  /** Items below any node but the root. */
  readonly largestCount: number
}

/** Memory for a trie whose arrays are still to be filled. */
export function allocateTrie(
  levelStarts: Int32Array,
  itemNumbers: number,
  limits: TrieLimits
): Trie {
  const depth = levelStarts.length - 2
  const [inner, nodes] = [levelStarts[depth]!, levelStarts[depth + 1]!]
  const [codeBytes, countBytes] = [bytesFor(limits.largestCode), bytesFor(limits.largestCount)]
  const sizes = { depth, inner, nodes, itemNumbers, codeBytes, countBytes }
  const memory = new SharedArrayBuffer(placesOf(sizes).end)
  new Int32Array(memory).set([format, depth, itemNumbers, codeBytes, countBytes, ...levelStarts])
  return openTrie(memory)
}

/** A trie over memory that holds one. @throws RecommenderError RELEASE_CORRUPT when it does not. */
export function openTrie(memory: SharedArrayBuffer): Trie {
  const all = new Int32Array(memory)
  const [found, depth = 0, itemNumbers = 0, codeBytes = 0, countBytes = 0] = all
  const levelStarts = all.subarray(headerLength, headerLength + depth + 2)
  const [inner = 0, nodes = 0] = levelStarts.subarray(depth)
  const places = placesOf({ depth, inner, nodes, itemNumbers, codeBytes, countBytes })
  if (found !== format || memory.byteLength !== places.end) {
    throw new RecommenderError('RELEASE_CORRUPT', 'this is not a trie of item IDs; publish again')
  }
  const column = (start: number, length: number) => new Int32Array(memory, start, length)
  const columns = {
    firstChild: column(places.firstChild, inner + 1),
    parent: column(places.parent, nodes),
    item: column(places.item, nodes - inner),
    leaf: column(places.leaf, itemNumbers),
    code: narrowColumn(memory, places.code, nodes, codeBytes),
    itemCount: narrowColumn(memory, places.itemCount, inner, countBytes)
  }
  const trie: Trie = {
    memory,
    depth,
    levelStarts,
    ...columns,
    ...readingOf(columns),
    version: 0,
    changedSince: () => [],
    get base() {
      return trie
    }
  }
  return trie
}

interface Sizes {
  readonly depth: number
  readonly inner: number
  readonly nodes: number
  readonly itemNumbers: number
  readonly codeBytes: number
  readonly countBytes: number
}

/** Where each column begins, in bytes. */
function placesOf({ depth, inner, nodes, itemNumbers, codeBytes, countBytes }: Sizes) {
  const firstChild = 4 * (headerLength + depth + 2)
  const parent = firstChild + 4 * (inner + 1)
  const item = parent + 4 * nodes
  const leaf = item + 4 * (nodes - inner)
  const code = leaf + 4 * itemNumbers
  const itemCount = code + wholeWords(codeBytes * nodes)
  return {
    firstChild,
    parent,
    item,
    leaf,
    code,
    itemCount,
    end: itemCount + wholeWords(countBytes * inner)
  }
}

function wholeWords(bytes: number): number {
  return Math.ceil(bytes / 4) * 4
}

function bytesFor(largest: number): 1 | 2 | 4 {
  return largest < 2 ** 8 ? 1 : largest < 2 ** 16 ? 2 : 4
}

function narrowColumn(memory: SharedArrayBuffer, start: number, length: number, bytes: number) {
  if (bytes === 1) return new Uint8Array(memory, start, length)
  return bytes === 2
    ? new Uint16Array(memory, start, length)
    : new Int32Array(memory, start, length)
}

type Columns = Pick<Trie, 'firstChild' | 'itemCount' | 'parent' | 'code' | 'item' | 'leaf'>
type Facts = 'memory' | 'depth' | 'levelStarts' | 'base' | 'version' | 'changedSince'
type Reading = Omit<Trie, keyof Columns | Facts>

function readingOf({ firstChild, itemCount, parent, code: codes, item, leaf }: Columns): Reading {
  const inner = itemCount.length
  return {
    readChildren(node, into) {
      into.list = undefined
      into.first = node < inner ? firstChild[node]! : 0
      into.count = node < inner ? firstChild[node + 1]! - into.first : 0
    },
    childBy(node, code) {
      if (node >= inner) return undefined
      let [low, high] = [firstChild[node]!, firstChild[node + 1]!]
      const end = high
      while (low < high) {
        const middle = (low + high) >> 1
        if (codes[middle]! < code) low = middle + 1
        else high = middle
      }
      return low < end && codes[low] === code ? low : undefined
    },
    largestCodeBelow: node =>
      node < inner && firstChild[node]! < firstChild[node + 1]!
        ? codes[firstChild[node + 1]! - 1]!
        : -1,
    parentOf: node => parent[node]!,
    codeOf: node => (node === 0 ? -1 : codes[node]!),
    itemOf: node => (node < inner ? -1 : item[node - inner]!),
    leafOf: number => leaf[number] ?? -1,
    itemCountOf: node => (node === 0 ? item.length : node < inner ? itemCount[node]! : 1),
    hiddenCountOf: () => 0,
    isHidden: () => false
  }
}
