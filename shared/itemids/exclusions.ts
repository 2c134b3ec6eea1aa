// What one request may receive, counted at every node, so that a search never enters a branch in
// which nothing is allowed.
import type { ItemFilter } from './item-filter.ts'
import type { TrieView } from './trie.ts'

export class Exclusions {
  readonly #trie: TrieView
  readonly #filter: ItemFilter | undefined
  readonly #excluded = new Map<number, number>()

  /**
   * @param items that must not come back; numbers that the trie does not hold change nothing.
   * @param filter that all others must pass.
   */
  constructor(trie: TrieView, items: Iterable<number>, filter?: ItemFilter) {
    this.#trie = trie
    this.#filter = filter
    for (const item of new Set(items)) {
      if (trie.isHidden(item) || filter?.passes(item) === false) continue // not counted anyway
      for (let n = trie.leafOf(item); n >= 0; n = trie.parentOf(n)) {
        this.#excluded.set(n, (this.#excluded.get(n) ?? 0) + 1)
      }
    }
  }

  /** True when the request may receive every item below a node: its children need not be asked about. */
  allowsAllBelow(node: number): boolean {
    return !this.#filter && !this.#excluded.has(node) && this.#trie.hiddenCountOf(node) === 0
  }

  /** Items at or below a node that the request may receive. */
  allowed(node: number): number {
    const shown = this.#filter
      ? this.#filter.countOf(this.#trie, node)
      : this.#trie.itemCountOf(node) - this.#trie.hiddenCountOf(node)
    return shown - (this.#excluded.get(node) ?? 0)
  }
}
