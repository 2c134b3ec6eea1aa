// Where the vectors of items stand in memory. A search scores the leaves below a node side by side, and
// items whose IDs begin alike have numbers far apart: in a release that answers, the rows are therefore
// in the order of the trie. Of a million items (256 MB) a request reads two thousand, and each that lies
// on a page of its own costs more than its product.
import type { Trie } from '#shared/itemids/trie.ts'

export interface ItemVectors {
  /** [rows, D] row-major; may lie in shared memory. */
  readonly vectors: Float32Array
  /** Items stand in the order of their numbers where nothing is said. */
  readonly vectorRows?: VectorRows | undefined
}

export interface VectorRows {
  of(item: number): number
  /** The same, quicker. @param leaf of the item in the trie that is searched. */
  ofLeaf(leaf: number, item: number): number
}

export const rowsByNumber: VectorRows = { of: item => item, ofLeaf: (_, item) => item }

/**
 * Rows in the order of a trie; items that come later follow in the order of their numbers.
 *
 * @param trie that holds all items from 0 to the last.
 */
export function rowsInOrderOf({ leaf, item, levelStarts, depth }: Trie): VectorRows {
  const firstLeaf = levelStarts[depth]!
  const of = (number: number) => (number < leaf.length ? leaf[number]! - firstLeaf : number)
  return {
    of,
    // Most leaves are numbered as in that trie, also where it was built anew: no far look-up then.
    ofLeaf: (node, number) => (item[node - firstLeaf] === number ? node - firstLeaf : of(number))
  }
}
