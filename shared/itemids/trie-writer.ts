// A trie that changes while others read it.
//
// The rule. One thread writes, any number of threads read, and nobody waits for anybody.
//
// - The *base*, the trie as it was built, never changes. The writer appends changes to a log in
//   shared memory: it writes the whole record first, and then, by one atomic store, the number of
//   records. A reader loads that number, atomically, when it starts a search, applies the records up
//   to it to a small overlay of its own, and looks at nothing newer until its next search.
// - So a reader sees the changes in their order, each whole or not at all, and none of them appear or
//   vanish in the middle of a search. A search that starts after insert, remove, hide or show has
//   returned sees that change, in whichever thread it runs.
// - When the log is full the writer *folds*: it builds a new base from what there is now and starts an
//   empty log. It sends both to each reader, and only then marks the old log as replaced, so that a
//   reader that sees the mark finds the message. Readers go on with the old base and log meanwhile,
//   which stay whole; the last one to leave them frees them. No change is published to the old log
//   after the mark.
// - Between two searches a reader may therefore skip changes' single steps, but never the last state.
//   Node numbers hold for one base only: after a fold an item has another leaf.
//
// A fold costs about what building does, and it comes once in an eighth of the catalogue: spread over
// those changes it is ten to twenty microseconds for each. It blocks the writer's thread (a second or
// two for a million items), no reader's.
import { MessageChannel, type MessagePort } from 'node:worker_threads'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { buildTrieOfRows, type IdRows } from './build-trie.ts'
import type { Change } from './change.ts'
import { type ChangeLog, createChangeLog, markReplaced, publishChange } from './change-log.ts'
import type { Trie, TrieView } from './trie.ts'
import { TrieOverlay } from './trie-overlay.ts'
import type { ReaderSeat } from './trie-reader.ts'

/** Changes that a small catalogue's log holds; a larger one's holds an eighth of its items. */
const leastCapacity = 1024

export class TrieWriter {
  #overlay: TrieOverlay
  #changes: ChangeLog
  readonly #ports = new Set<MessagePort>()

  constructor(base: Trie) {
    this.#overlay = new TrieOverlay(base)
    this.#changes = createChangeLog(base.depth, capacityFor(base.item.length))
  }

  /** The trie as it is now; it follows every change. */
  get view(): TrieView {
    return this.#overlay
  }

  /** A place for one more reader, in this thread or another. */
  addReader(): ReaderSeat {
    const { port1, port2 } = new MessageChannel()
    this.#ports.add(port1)
    port1.on('close', () => this.#ports.delete(port1))
    port1.unref() // a reader's place keeps no program running
    return { base: this.#overlay.base.memory, changes: this.#changes.memory, port: port2 }
  }

  /**
   * @param item a number that the trie does not hold, 0 or above.
   * @throws RecommenderError ITEM_INVALID when the item or the ID is there, or the ID cannot be one.
   */
  insert(item: number, codes: readonly number[]): void {
    const fault = faultOf(this.#overlay, item, codes)
    if (fault) throw new RecommenderError('ITEM_INVALID', `item ${item} cannot be added: ${fault}`)
    this.#make({ kind: 'insert', item, codes })
  }

  /** Frees the ID. @returns false when the trie does not hold the item. */
  remove(item: number): boolean {
    return this.#makeIf(this.#holds(item), { kind: 'remove', item, codes: [] })
  }

  /** Keeps the item and its ID, but no search gives it. @returns false when nothing changes. */
  hide(item: number): boolean {
    const isShown = this.#holds(item) && !this.#overlay.isHidden(item)
    return this.#makeIf(isShown, { kind: 'hide', item, codes: [] })
  }

  /** Undoes `hide`. @returns false when nothing changes. */
  show(item: number): boolean {
    return this.#makeIf(this.#overlay.isHidden(item), { kind: 'show', item, codes: [] })
  }

  /**
   * Removes many items: where the log would not take them all, they leave with one fold.
   *
   * @param items those that the trie does not hold change nothing.
   */
  removeAll(items: Iterable<number>): void {
    const held = [...new Set(items)].filter(item => this.#holds(item))
    if (this.#changes.published + held.length <= this.#changes.capacity) {
      for (const item of held) this.remove(item)
      return
    }
    for (const item of held) this.#overlay.apply({ kind: 'remove', item, codes: [] })
    this.fold()
  }

  /** Builds anew what there is. Happens by itself when the log is full. */
  fold(): void {
    const before = this.#changes
    const hidden = this.#overlay.hidden
    const base = buildTrieOfRows(rowsOf(this.#overlay))
    this.#overlay = new TrieOverlay(base)
    this.#changes = createChangeLog(base.depth, hidden.size + capacityFor(base.item.length))
    for (const item of hidden) this.#publish({ kind: 'hide', item, codes: [] })
    for (const port of this.#ports) {
      port.postMessage({ base: base.memory, changes: this.#changes.memory })
    }
    markReplaced(before)
  }

  /** Ends the connections; readers keep what they have. */
  close(): void {
    for (const port of this.#ports) port.close()
  }

  #holds(item: number): boolean {
    return this.#overlay.leafOf(item) >= 0
  }

  #makeIf(isDue: boolean, change: Change): boolean {
    if (isDue) this.#make(change)
    return isDue
  }

  #make(change: Change): void {
    if (this.#changes.published === this.#changes.capacity) this.fold()
    this.#publish(change)
  }

  #publish(change: Change): void {
    this.#overlay.apply(change)
    publishChange(this.#changes, change)
  }
}

function capacityFor(itemCount: number): number {
  return Math.max(leastCapacity, itemCount >> 3)
}

function faultOf(overlay: TrieOverlay, item: number, codes: readonly number[]): string | undefined {
  if (!isIndex(item)) return 'its number has to be whole and at least 0'
  if (overlay.leafOf(item) >= 0) return 'it has an ID already'
  if (codes.length !== overlay.depth) return `an ID has ${overlay.depth} codes here`
  if (!codes.every(isIndex)) return 'codes have to be whole numbers of at least 0'
  let node: number | undefined = 0
  for (const code of codes) if (node !== undefined) node = overlay.childBy(node, code)
  const owner = node === undefined ? -1 : overlay.itemOf(node)
  return owner < 0 ? undefined : `item ${owner} has the ID ${codes.join(' ')}`
}

function isIndex(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < 2 ** 31 - 1
}

/** The items at leaves of the base, in the order of the trie, then those at added leaves. */
function rowsOf(overlay: TrieOverlay): IdRows {
  const { base, depth, movedItems } = overlay
  const old = base.parent.length
  const leaves = Int32Array.from(base.item, (_, place) => base.itemCount.length + place)
  const filled = leaves.filter(leaf => overlay.itemOf(leaf) >= 0)
  const added = [...movedItems.values()].filter(leaf => leaf >= old)
  const count = filled.length + added.length
  const rows = { depth, codes: new Int32Array(count * depth), items: new Int32Array(count) }
  for (let row = 0; row < count; row++) {
    let node = row < filled.length ? filled[row]! : added[row - filled.length]!
    rows.items[row] = overlay.itemOf(node)
    for (let level = depth - 1; level >= 0; level--) {
      rows.codes[row * depth + level] = overlay.codeOf(node)
      node = overlay.parentOf(node)
    }
  }
  return rows
}
