// The trie of valid item IDs. Generation walks it from the root, so that it can only ever write the
// ID of an item that exists.

/** Whole numbers from 0 on. */
export type Codes = Uint8Array | Uint16Array | Int32Array

/**
 * The children of a node, in the order of their codes. One is made for many reads, so that a search
 * makes nothing for each node that it comes to.
 */
export interface Children {
  count: number
  /** The first one; the others have the numbers after it, where there is no list. */
  first: number
  /** Their numbers, of a node that has changed; it stays the trie's. */
  list: Int32Array | undefined
}

export function noChildren(): Children {
  return { count: 0, first: 0, list: undefined }
}

/** @param place below `count`. */
export function childAt({ first, list }: Children, place: number): number {
  return list ? list[place]! : first + place
}

/**
 * What a search reads of a trie; it does not change while the search lasts. Nodes are numbers, the
 * root is 0, and the children of a node are in the order of their codes.
 */
export interface TrieView {
  /** Levels below the root. */
  readonly depth: number
  /** The trie as it was built; of a trie that never changes, itself. */
  readonly base: Trie
  /** How many changes were made since: 0 for the base. */
  readonly version: number
  /** The item of each change after the first `version` ones. */
  changedSince(version: number): readonly number[]
  /** Writes where the children of a node are, below which there are items; what was there is lost. */
  readChildren(node: number, into: Children): void
  /** The node one code below, even when all its items were removed; undefined when there is none. */
  childBy(node: number, code: number): number | undefined
  /** The largest code one below that leads to an item; -1 when none does. */
  largestCodeBelow(node: number): number
  /** -1 for the root. */
  parentOf(node: number): number
  /** The code that leads from the parent to this node; -1 for the root. */
  codeOf(node: number): number
  /** Item of a leaf; -1 of any other node, and of a leaf whose item was removed. */
  itemOf(node: number): number
  /** Leaf of an item; -1 when the trie does not hold it. */
  leafOf(item: number): number
  /** Items at or below a node, hidden ones too. */
  itemCountOf(node: number): number
  /** How many of them are hidden: they exist, but may not be recommended now. */
  hiddenCountOf(node: number): number
  isHidden(item: number): boolean
}

/**
 * A trie as it was built, in flat arrays that never change. Nodes are numbered level by level from
 * the root, so that the children of a node stand side by side, the leaves come last, and of two nodes
 * of a level the first in the trie has the smaller number.
 */
export interface Trie extends TrieView {
  /** All of the arrays below lie in it: to send it to a worker copies nothing. */
  readonly memory: SharedArrayBuffer
  /** First node of each level; levelStarts[depth] is the first leaf, levelStarts[depth + 1] the number of nodes. */
  readonly levelStarts: Int32Array
  /** [inner nodes + 1] the children of n are firstChild[n] to firstChild[n + 1] - 1. */
  readonly firstChild: Int32Array
  /** [nodes] */
  readonly parent: Int32Array
  /** [nodes] as wide as they need to be; the root's says nothing, see codeOf. */
  readonly code: Codes
  /** [inner nodes] as wide as they need to be; the root's says nothing, see itemCountOf. */
  readonly itemCount: Codes
  /** [leaves] in their order. */
  readonly item: Int32Array
  /** [items] -1 where the trie does not hold the item of that number. */
  readonly leaf: Int32Array
}

/** The children of a node as a list of their own; a search reads them by `readChildren`. */
export function childrenOf(trie: TrieView, node: number): number[] {
  const children = noChildren()
  trie.readChildren(node, children)
  return Array.from({ length: children.count }, (_, place) => childAt(children, place))
}

/** Codes from the root to a node. */
export function codesOf(trie: TrieView, node: number): number[] {
  const codes: number[] = []
  for (let n = node; n > 0; n = trie.parentOf(n)) codes.unshift(trie.codeOf(n))
  return codes
}
