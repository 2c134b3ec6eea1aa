// What items that came later are described like, in shared memory beside the release's own neighbours: one
// thread writes, all others read. An added item has a block of entries, each of them on the list of the
// known item that it names, so that the added item is found from there, too.
//
// Entries are taken off a list and used again when an item is described anew. Who walks along a list then
// may come to one that is on another list by now: it says whose it is, and the walk ends there.
import type { ItemSimilarity } from './neighbours.ts'

/** Sent to another thread, nothing of it is copied. */
export interface SharedAddedNeighbours {
  /** [items of the release] int32: the first entry of its list plus one, 0 for none. */
  readonly heads: SharedArrayBuffer
  /** [room, entries of an item] int32: the known item plus one, 0 where the entry is free. */
  readonly owners: SharedArrayBuffer
  /** The same: the next entry of the owner's list plus one. */
  readonly nexts: SharedArrayBuffer
  /** The same, float32. */
  readonly similarities: SharedArrayBuffer
}

/** Known items that an added one is found from: the release keeps as many of its own new items. */
const entriesOfItem = 20

export function allocateAddedNeighbours(itemCount: number, room: number): SharedAddedNeighbours {
  const entries = () => new SharedArrayBuffer(4 * room * entriesOfItem)
  return {
    heads: new SharedArrayBuffer(4 * itemCount),
    owners: entries(),
    nexts: entries(),
    similarities: entries()
  }
}

export interface AddedNeighbours {
  /** Tells the added items that are like a known one, or the known ones that are like an added one. */
  forEach(item: number, tell: (neighbour: number, similarity: number) => void): void
  /** @param place of an added item. @param like known items, the most similar first; replaces all. */
  set(place: number, like: readonly ItemSimilarity[]): void
}

export function openAddedNeighbours(shared: SharedAddedNeighbours): AddedNeighbours {
  const heads = new Int32Array(shared.heads)
  const owners = new Int32Array(shared.owners)
  const nexts = new Int32Array(shared.nexts)
  const similarities = new Float32Array(shared.similarities)
  const itemCount = heads.length

  const unlink = (entry: number) => {
    const owner = owners[entry]! - 1
    if (owner < 0) return
    let before = heads[owner]! - 1
    if (before === entry) Atomics.store(heads, owner, nexts[entry]!)
    else {
      while (nexts[before]! - 1 !== entry) before = nexts[before]! - 1
      Atomics.store(nexts, before, nexts[entry]!)
    }
    Atomics.store(owners, entry, 0)
  }
  return {
    set(place, like) {
      const start = place * entriesOfItem
      for (let entry = start; entry < start + entriesOfItem; entry++) unlink(entry)
      like.slice(0, entriesOfItem).forEach(({ item, similarity }, i) => {
        similarities[start + i] = similarity
        nexts[start + i] = heads[item]!
        Atomics.store(owners, start + i, item + 1)
        Atomics.store(heads, item, start + i + 1)
      })
    },
    forEach(item, tell) {
      if (item < itemCount) {
        let entry = Atomics.load(heads, item) - 1
        while (entry >= 0 && Atomics.load(owners, entry) === item + 1) {
          tell(itemCount + Math.floor(entry / entriesOfItem), similarities[entry]!)
          entry = Atomics.load(nexts, entry) - 1
        }
        return
      }
      const start = (item - itemCount) * entriesOfItem
      for (let entry = start; entry < start + entriesOfItem; entry++) {
        const owner = Atomics.load(owners, entry) - 1
        if (owner >= 0) tell(owner, similarities[entry]!)
      }
    }
  }
}
