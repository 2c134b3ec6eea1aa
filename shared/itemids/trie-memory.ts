// How a trie lies in memory: one SharedArrayBuffer of 32-bit numbers, so that any number of worker
// threads read the same copy. The bytes of a file are the same.
//
//   0              format of this layout
//   1              depth
//   2              length of `leaf`: the largest item number plus one
//   3 ..           levelStarts [depth + 2]
//   then           firstChild [inner + 1], itemCount [inner], parent [nodes], code [nodes],
//                  item [leaves], leaf [items]
//
// With N nodes for each item that is 16 N bytes an item: 16 to 30 where IDs have three or four codes.
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { Trie } from './trie.ts'

const format = 1
const headerLength = 3
const noCodes = new Int32Array(0)

/** Memory for a trie whose arrays are still to be filled. */
export function allocateTrie(levelStarts: Int32Array, itemNumbers: number): Trie {
  const depth = levelStarts.length - 2
  const [inner, nodes] = [levelStarts[depth]!, levelStarts[depth + 1]!]
  const length = lengthOf({ depth, inner, nodes, itemNumbers })
  const memory = new SharedArrayBuffer(4 * length)
  const all = new Int32Array(memory)
  all.set([format, depth, itemNumbers, ...levelStarts])
  return openTrie(memory)
}

/** A trie over memory that holds one. @throws RecommenderError RELEASE_CORRUPT when it does not. */
export function openTrie(memory: SharedArrayBuffer): Trie {
  const all = new Int32Array(memory)
  const [found, depth = 0, itemNumbers = 0] = all
  const levelStarts = all.subarray(headerLength, headerLength + depth + 2)
  const [inner = 0, nodes = 0] = levelStarts.subarray(depth)
  if (found !== format || all.length !== lengthOf({ depth, inner, nodes, itemNumbers })) {
    throw new RecommenderError('RELEASE_CORRUPT', 'this is not a trie of item IDs; publish again')
  }
  let end = headerLength + depth + 2
  const column = (length: number) => {
    end += length
    return all.subarray(end - length, end)
  }
  const columns = {
    firstChild: column(inner + 1),
    itemCount: column(inner),
    parent: column(nodes),
    code: column(nodes),
    item: column(nodes - inner),
    leaf: column(itemNumbers)
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
}

function lengthOf({ depth, inner, nodes, itemNumbers }: Sizes): number {
  return headerLength + depth + 2 + 2 * inner + 1 + 2 * nodes + (nodes - inner) + itemNumbers
}

type Columns = Pick<Trie, 'firstChild' | 'itemCount' | 'parent' | 'code' | 'item' | 'leaf'>
type Facts = 'memory' | 'depth' | 'levelStarts' | 'base' | 'version' | 'changedSince'
type Reading = Omit<Trie, keyof Columns | Facts>

function readingOf({ firstChild, itemCount, parent, code, item, leaf }: Columns): Reading {
  const inner = itemCount.length
  return {
    childrenOf(node) {
      if (node >= inner) return noCodes
      const first = firstChild[node]!
      const children = new Int32Array(firstChild[node + 1]! - first)
      for (let c = 0; c < children.length; c++) children[c] = first + c
      return children
    },
    childCodesOf(node) {
      return node < inner ? code.subarray(firstChild[node]!, firstChild[node + 1]!) : noCodes
    },
    parentOf: node => parent[node]!,
    codeOf: node => code[node]!,
    itemOf: node => (node < inner ? -1 : item[node - inner]!),
    leafOf: number => leaf[number] ?? -1,
    itemCountOf: node => (node < inner ? itemCount[node]! : 1),
    hiddenCountOf: () => 0,
    isHidden: () => false
  }
}
