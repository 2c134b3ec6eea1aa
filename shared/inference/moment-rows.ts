// Where the moments of a living trie's inner nodes stand. Nodes are numbered anew whenever the trie is
// built again, moments stay where they are: a node's row is looked up by any item below it, since the
// rows on the path to an item never change. Each thread remembers what it has looked up.
import { childrenOf, type Trie, type TrieView } from '#shared/itemids/trie.ts'

export interface MomentPlaces {
  /** The trie of the release with all of its items: the moments of a node stand at its number. */
  readonly release: Trie
  /** [items that came later, depth - 1] the rows on the path to each of them, in shared memory. */
  readonly addedRows: Int32Array
}

/** The row of a node on the path to an item. @param level of the node, at least 1. */
export function rowOnPath(
  { release, addedRows }: MomentPlaces,
  item: number,
  level: number
): number {
  const { depth, leaf } = release
  const added = item - leaf.length
  if (added >= 0) return addedRows[added * (depth - 1) + level - 1]!
  let node = leaf[item]!
  for (let n = depth; n > level; n--) node = release.parent[node]!
  return node
}

/** @param viewOf the trie as it is read now. */
export function momentRows(places: MomentPlaces, viewOf: () => TrieView): (node: number) => number {
  let base: Trie | undefined
  let ofBase = new Int32Array(0) // a row plus one, 0 where it was not looked up yet
  let ofAdded = new Map<number, number>()

  return node => {
    if (node === 0) return 0
    const view = viewOf()
    if (view.base !== base) {
      base = view.base
      ofBase = new Int32Array(base.itemCount.length)
      ofAdded = new Map()
    }
    const known = node < ofBase.length ? ofBase[node]! - 1 : (ofAdded.get(node) ?? -1)
    if (known >= 0) return known
    const row = lookUp(places, view, node)
    if (node < ofBase.length) ofBase[node] = row + 1
    else ofAdded.set(node, row)
    return row
  }
}

function lookUp(places: MomentPlaces, view: TrieView, node: number): number {
  let [leaf, level] = [node, view.depth]
  for (; view.itemOf(leaf) < 0; level--) leaf = childrenOf(view, leaf)[0]!
  return rowOnPath(places, view.itemOf(leaf), level)
}
