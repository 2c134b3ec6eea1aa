// A built trie with what has changed since: items inserted, removed and hidden. It belongs to one
// thread and takes little memory, since it grows with the changes, not with the catalogue.
//
// Added nodes are numbered after those of the base, in the order of the changes, so that every thread
// that applies the same changes numbers them alike. A node stays when its last item is removed: its
// count is then zero, nobody enters it, and it is there again if its ID comes back.
import type { Change } from './change.ts'
import { type Children, childAt, type Trie, type TrieView } from './trie.ts'

export class TrieOverlay implements TrieView {
  readonly depth: number
  readonly base: Trie
  /** Of added nodes, counted from the first one. */
  readonly #parents: number[] = []
  readonly #codes: number[] = []
  /** Added children of a node, base or added, in the order of their codes. */
  readonly #added = new Map<number, number[]>()
  /** Children of nodes that have changed, once somebody asked. */
  readonly #children = new Map<number, Int32Array>()
  /** Where item and leaf differ from the base; -1 for none. */
  readonly #items = new Map<number, number>()
  readonly #leaves = new Map<number, number>()
  readonly #countChanges = new Map<number, number>()
  /** Nodes whose last item was removed. */
  readonly #emptied = new Set<number>()
  readonly #hidden = new Set<number>()
  readonly #hiddenCounts = new Map<number, number>()
  /** The item of each change. */
  readonly #changed: number[] = []

  constructor(base: Trie) {
    this.base = base
    this.depth = base.depth
  }

  /** Changes applied so far. */
  get version(): number {
    return this.#changed.length
  }

  changedSince(version: number): readonly number[] {
    return this.#changed.slice(version)
  }

  get hidden(): ReadonlySet<number> {
    return this.#hidden
  }

  /** Items whose leaf is another one than in the base: inserted ones, and with -1 removed ones. */
  get movedItems(): ReadonlyMap<number, number> {
    return this.#leaves
  }

  /** Applies a change that fits: inserted are IDs and items that are free, the rest are in the trie. */
  apply({ kind, item, codes }: Change): void {
    this.#changed.push(item)
    if (kind === 'insert') this.#insert(item, codes)
    else if (kind === 'remove') this.#remove(item)
    else this.#setHidden(item, kind === 'hide')
  }

  #insert(item: number, codes: readonly number[]): void {
    let node = 0
    for (const code of codes) node = this.childBy(node, code) ?? this.#add(node, code)
    this.#items.set(node, item)
    this.#leaves.set(item, node)
    this.#countItem(node, 1)
  }

  #add(parent: number, code: number): number {
    const node = this.base.parent.length + this.#parents.length
    this.#parents.push(parent)
    this.#codes.push(code)
    const siblings = this.#added.get(parent)
    if (siblings) siblings.splice(this.#placeAmong(siblings, code), 0, node)
    else this.#added.set(parent, [node])
    return node
  }

  /** The first of these nodes whose code is not below this one. */
  #placeAmong(siblings: readonly number[], code: number): number {
    let [low, high] = [0, siblings.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.codeOf(siblings[middle]!) < code) low = middle + 1
      else high = middle
    }
    return low
  }

  #remove(item: number): void {
    this.#setHidden(item, false)
    const node = this.leafOf(item)
    this.#items.set(node, -1)
    this.#leaves.set(item, -1)
    this.#countItem(node, -1)
  }

  #setHidden(item: number, hidden: boolean): void {
    if (this.#hidden.has(item) === hidden) return
    if (hidden) this.#hidden.add(item)
    else this.#hidden.delete(item)
    this.#count(this.#hiddenCounts, this.leafOf(item), hidden ? 1 : -1)
  }

  #countItem(leaf: number, change: number): void {
    this.#count(this.#countChanges, leaf, change)
    for (let n = leaf; n >= 0; n = this.parentOf(n)) {
      this.#children.delete(n)
      if (this.itemCountOf(n) === 0) this.#emptied.add(n)
      else this.#emptied.delete(n)
    }
  }

  #count(counts: Map<number, number>, leaf: number, change: number): void {
    for (let n = leaf; n >= 0; n = this.parentOf(n)) counts.set(n, (counts.get(n) ?? 0) + change)
  }

  childBy(node: number, code: number): number | undefined {
    const added = this.#added.get(node)
    const child = added?.[this.#placeAmong(added, code)]
    return child !== undefined && this.codeOf(child) === code
      ? child
      : this.base.childBy(node, code)
  }

  /** Looks at the last ones alone, as long as not many of these were removed. */
  largestCodeBelow(node: number): number {
    const added = this.#added.get(node)?.findLast(child => !this.#emptied.has(child))
    const [start, end] = childRange(this.base, node)
    let old = end - 1
    while (old >= start && this.#emptied.has(old)) old--
    return Math.max(
      added === undefined ? -1 : this.codeOf(added),
      old < start ? -1 : this.base.codeOf(old)
    )
  }

  readChildren(node: number, into: Children): void {
    this.base.readChildren(node, into)
    if (!this.#countChanges.has(node)) return
    const known = this.#children.get(node)
    const list = known ?? this.#mergeChildren(node, into)
    if (!known) this.#children.set(node, list)
    into.list = list
    into.first = list[0] ?? 0
    into.count = list.length
  }

  /** Both are in the order of their codes: the old ones of the base, and the added ones. */
  #mergeChildren(node: number, old: Children): Int32Array {
    const byCode = (a: number, b: number) => this.codeOf(a) - this.codeOf(b)
    const added = this.#added.get(node) ?? []
    const merged = new Int32Array(old.count + added.length)
    let [count, place] = [0, 0]
    const take = (child: number) => {
      if (!this.#emptied.has(child)) merged[count++] = child
    }
    for (const child of added) {
      while (place < old.count && byCode(childAt(old, place), child) < 0)
        take(childAt(old, place++))
      take(child)
    }
    while (place < old.count) take(childAt(old, place++))
    return merged.subarray(0, count)
  }

  parentOf(node: number): number {
    const { parent } = this.base
    return node < parent.length ? parent[node]! : this.#parents[node - parent.length]!
  }

  codeOf(node: number): number {
    const { code } = this.base
    return node < code.length ? this.base.codeOf(node) : this.#codes[node - code.length]!
  }

  itemOf(node: number): number {
    const isOld = node < this.base.parent.length
    return this.#items.get(node) ?? (isOld ? this.base.itemOf(node) : -1)
  }

  leafOf(item: number): number {
    return this.#leaves.get(item) ?? this.base.leafOf(item)
  }

  itemCountOf(node: number): number {
    const old = node < this.base.parent.length ? this.base.itemCountOf(node) : 0
    return old + (this.#countChanges.get(node) ?? 0)
  }

  hiddenCountOf(node: number): number {
    return this.#hiddenCounts.get(node) ?? 0
  }

  isHidden(item: number): boolean {
    return this.#hidden.has(item)
  }
}

/** First child and the one after the last; none of a leaf or an added node. */
function childRange({ firstChild, itemCount }: Trie, node: number): readonly [number, number] {
  return node < itemCount.length ? [firstChild[node]!, firstChild[node + 1]!] : [0, 0]
}
