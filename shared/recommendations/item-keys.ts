// Item keys in shared memory: from key to number and back, one copy for all threads. A Map of a million
// keys takes a hundred megabytes, and each thread would have its own.
//
// Open addressing: a key is looked for from the slot of its hash on, slot by slot, up to an empty one.
import { murmurHash } from '#shared/model/murmur-hash.ts'

/** What a reader of keys needs of a Map. */
export type ItemIndex = Pick<ReadonlyMap<string, number>, 'get' | 'has'>

/** Sent to another thread, nothing of it is copied. */
export interface SharedKeys {
  /** UTF-8 of all keys, one after the other. */
  readonly text: SharedArrayBuffer
  /** [keys + 1] int32: where each begins. */
  readonly starts: SharedArrayBuffer
  /** [a power of two, at least twice the keys] int32: a key's number plus one, 0 where empty. */
  readonly slots: SharedArrayBuffer
}

export interface ItemKeys extends ItemIndex {
  /** The key of the item of this number. */
  keyOf(item: number): string
}

/** @param keys no two the same. */
export function shareKeys(keys: readonly string[]): SharedKeys {
  const lengths = keys.map(key => Buffer.byteLength(key))
  const starts = new Int32Array(new SharedArrayBuffer(4 * (keys.length + 1)))
  lengths.forEach((length, i) => {
    starts[i + 1] = starts[i]! + length
  })
  const text = Buffer.from(new SharedArrayBuffer(starts.at(-1)!))
  const slots = new Int32Array(new SharedArrayBuffer(4 * slotsFor(keys.length)))
  keys.forEach((key, i) => {
    text.write(key, starts[i]!)
    let slot = murmurHash(key, 0) & (slots.length - 1)
    while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1)
    slots[slot] = i + 1
  })
  return {
    text: text.buffer as unknown as SharedArrayBuffer,
    starts: starts.buffer as SharedArrayBuffer,
    slots: slots.buffer as SharedArrayBuffer
  }
}

export function openKeys(shared: SharedKeys): ItemKeys {
  const text = Buffer.from(shared.text)
  const starts = new Int32Array(shared.starts)
  const slots = new Int32Array(shared.slots)

  const keyOf = (item: number) => text.toString('utf8', starts[item], starts[item + 1])
  const get = (key: string) => {
    const bytes = Buffer.from(key)
    const isKey = (item: number) =>
      starts[item + 1]! - starts[item]! === bytes.length &&
      text.compare(bytes, 0, bytes.length, starts[item], starts[item + 1]) === 0
    for (let slot = murmurHash(key, 0); ; slot++) {
      const item = slots[slot & (slots.length - 1)]! - 1
      if (item < 0) return undefined
      if (isKey(item)) return item
    }
  }
  return { get, has: key => get(key) !== undefined, keyOf }
}

function slotsFor(count: number): number {
  return 2 ** Math.ceil(Math.log2(2 * count + 1))
}
