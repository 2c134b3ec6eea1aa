// Keys of items that came after the release, in shared memory beside item-keys.ts: one thread adds, all
// others look up. A key is published by the one store of its slot, which comes last: whoever finds a key
// finds all that was written about its item before.
import { murmurHash } from '#shared/model/murmur-hash.ts'

/** Sent to another thread, nothing of it is copied. */
export interface SharedAddedKeys {
  /** UTF-8 of all keys, one after the other. */
  readonly text: SharedArrayBuffer
  /** [room + 1] int32: where each begins. */
  readonly starts: SharedArrayBuffer
  /** [a power of two, at least twice the room] int32: a key's place plus one, 0 where empty. */
  readonly slots: SharedArrayBuffer
  /** [1] int32: how many there are. */
  readonly count: SharedArrayBuffer
}

/** Places count from 0 on, in the order in which keys were added. */
export interface AddedKeys {
  readonly count: number
  placeOf(key: string): number | undefined
  keyAt(place: number): string
}

export interface AddedKeysWriter extends AddedKeys {
  /** Whether all of these find room. */
  hasRoomFor(keys: readonly string[]): boolean
  /** @param key one that is not there, and finds room. */
  add(key: string): void
}

/** Keys may have 200 characters; a catalogue of keys longer than this on average has less room. */
const bytesForKey = 64

export function allocateAddedKeys(room: number): SharedAddedKeys {
  return {
    text: new SharedArrayBuffer(bytesForKey * room),
    starts: new SharedArrayBuffer(4 * (room + 1)),
    slots: new SharedArrayBuffer(4 * 2 ** Math.ceil(Math.log2(2 * room + 1))),
    count: new SharedArrayBuffer(4)
  }
}

export function openAddedKeys(shared: SharedAddedKeys): AddedKeysWriter {
  const text = Buffer.from(shared.text)
  const starts = new Int32Array(shared.starts)
  const slots = new Int32Array(shared.slots)
  const count = new Int32Array(shared.count)
  const room = starts.length - 1

  const find = (key: string) => {
    const bytes = Buffer.from(key)
    const isKey = (place: number) =>
      text.compare(bytes, 0, bytes.length, starts[place], starts[place + 1]) === 0
    for (let slot = murmurHash(key, 0) & (slots.length - 1); ; slot = (slot + 1) % slots.length) {
      const place = Atomics.load(slots, slot) - 1
      if (place < 0) return { slot }
      if (isKey(place)) return { slot, place }
    }
  }
  return {
    get count() {
      return Atomics.load(count, 0)
    },
    placeOf: key => find(key).place,
    keyAt: place => text.toString('utf8', starts[place], starts[place + 1]),
    hasRoomFor: keys => {
      const place = count[0]!
      const bytes = keys.reduce((sum, key) => sum + Buffer.byteLength(key), 0)
      return place + keys.length <= room && starts[place]! + bytes <= text.length
    },
    add(key) {
      const place = count[0]!
      starts[place + 1] = starts[place]! + text.write(key, starts[place]!)
      Atomics.store(slots, find(key).slot, place + 1)
      Atomics.store(count, 0, place + 1)
    }
  }
}
