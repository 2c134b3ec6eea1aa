// A condition on items, such as a brand or a price, counted at the nodes of a trie: how many items
// below a node pass it and are shown. Asking each item takes a millisecond per 100,000 and is done
// once; a filter may then serve any number of requests, and catches up with a trie that changes.
import { type RankedBits, rankBits } from './ranked-bits.ts'
import type { Trie, TrieView } from './trie.ts'

export class ItemFilter {
  readonly passes: (item: number) => boolean
  #view: TrieView | undefined
  /** Of each leaf of the base, in their order, whether its item passes. */
  #bits: RankedBits | undefined
  /** Changes of the view that are counted. */
  #version = 0
  /** Leaf at which a changed item is counted, -1 for none. */
  #leaves = new Map<number, number>()
  #countChanges = new Map<number, number>()

  /** @param passes must answer the same whenever it is asked about an item. */
  constructor(passes: (item: number) => boolean) {
    this.passes = passes
  }

  /** Items at or below a node that pass and are not hidden. */
  countOf(view: TrieView, node: number): number {
    const bits = this.#countChangesOf(view)
    const isOld = node < view.base.parent.length
    return (isOld ? countInBase(view.base, bits, node) : 0) + (this.#countChanges.get(node) ?? 0)
  }

  #countChangesOf(view: TrieView): RankedBits {
    const bits = this.#bitsOf(view)
    if (this.#version === view.version) return bits
    for (const item of view.changedSince(this.#version)) {
      if (!this.passes(item)) continue
      const leaf = view.isHidden(item) ? -1 : view.leafOf(item)
      this.#count(view, this.#leaves.get(item) ?? view.base.leafOf(item), -1)
      this.#count(view, leaf, 1)
      this.#leaves.set(item, leaf)
    }
    this.#version = view.version
    return bits
  }

  #bitsOf(view: TrieView): RankedBits {
    const { base } = view
    if (this.#bits && this.#view === view) return this.#bits
    if (!this.#bits || this.#view?.base !== base) {
      this.#bits = rankBits(base.item.length, place => this.passes(base.item[place]!))
    }
    this.#view = view
    this.#version = 0
    this.#leaves = new Map()
    this.#countChanges = new Map()
    return this.#bits
  }

  #count(view: TrieView, leaf: number, change: number): void {
    const counts = this.#countChanges
    for (let n = leaf; n >= 0; n = view.parentOf(n)) counts.set(n, (counts.get(n) ?? 0) + change)
  }
}

/** The leaves below a node stand side by side. */
function countInBase(base: Trie, bits: RankedBits, node: number): number {
  let first = node
  while (first < base.itemCount.length) first = base.firstChild[first]!
  const place = first - base.itemCount.length
  return bits.countBetween(place, place + base.itemCountOf(node))
}
