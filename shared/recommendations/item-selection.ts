// The items of a release that pass some condition, a bit for each: made once where requests come in,
// and read by every thread. A selection never changes; what changes in the catalogue makes a new one.
import { ItemFilter } from '#shared/itemids/item-filter.ts'
import type { ItemIndex } from './item-keys.ts'

/** Sent to another thread, nothing of size is copied. It is of use with its own release only. */
export interface ItemSelection {
  /** No two selections of a release have the same. */
  readonly id: number
  /** Of each item of the release, one after the other, whether it is in: [items / 32] words. */
  readonly bits: SharedArrayBuffer
}

/** Whether the item of a key is in. */
export interface Selected {
  readonly key: string
  readonly isIn: boolean
}

/**
 * Makes selections. Keys that the release does not have change nothing; items that are not named are as
 * in the selection before, or out.
 */
export type SelectItems = (items: Iterable<Selected>, before?: ItemSelection) => ItemSelection

export function createSelecting(itemIndex: ItemIndex, itemCount: number): SelectItems {
  let made = 0
  return (items, before) => {
    const bits = new SharedArrayBuffer(4 * ((itemCount >> 5) + 1))
    const words = new Int32Array(bits)
    if (before) words.set(new Int32Array(before.bits))
    for (const { key, isIn } of items) {
      const item = itemIndex.get(key)
      if (item === undefined) continue
      const bit = 1 << (item & 31)
      if (isIn) words[item >> 5]! |= bit
      else words[item >> 5]! &= ~bit
    }
    return { id: ++made, bits }
  }
}

export type FilterOf = (selection: ItemSelection) => ItemFilter

/** Filters counted at the trie's leaves that a thread keeps: of a million items, a quarter MB each. */
const filtersKept = 32

/** Keeps the filters that were used last. */
export function createFilters(): FilterOf {
  const kept = new Map<number, ItemFilter>()
  return ({ id, bits }) => {
    const filter = kept.get(id) ?? filterOn(new Int32Array(bits))
    kept.delete(id)
    kept.set(id, filter)
    if (kept.size > filtersKept) kept.delete(kept.keys().next().value!)
    return filter
  }
}

function filterOn(words: Int32Array): ItemFilter {
  return new ItemFilter(item => ((words[item >> 5]! >> (item & 31)) & 1) === 1)
}
