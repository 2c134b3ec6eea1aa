// The changes made to a trie since it was built, in shared memory: written by one thread, read by any
// number of others. trie-writer.ts has the rule that makes this safe.
//
//   0    changes published
//   1    1 when a newer trie has taken the place of this one
//   2    depth
//   3 .. a record for each change: kind, item, and depth codes (zeros unless it is an insert)
import { type Change, changeKinds } from './change.ts'

const [publishedAt, replacedAt, depthAt, recordsAt] = [0, 1, 2, 3]

export interface ChangeLog {
  /** Changes that fit. */
  readonly capacity: number
  readonly published: number
  readonly isReplaced: boolean
  readonly memory: SharedArrayBuffer
}

export function createChangeLog(depth: number, capacity: number): ChangeLog {
  const memory = new SharedArrayBuffer(4 * (recordsAt + capacity * (2 + depth)))
  new Int32Array(memory)[depthAt] = depth
  return openChangeLog(memory)
}

export function openChangeLog(memory: SharedArrayBuffer): ChangeLog {
  const all = new Int32Array(memory)
  return {
    memory,
    capacity: (all.length - recordsAt) / (2 + all[depthAt]!),
    get published() {
      return Atomics.load(all, publishedAt)
    },
    get isReplaced() {
      return Atomics.load(all, replacedAt) === 1
    }
  }
}

/** By the writer only, and only while there is room. First the record, then the number of records. */
export function publishChange({ memory, published }: ChangeLog, change: Change): void {
  const all = new Int32Array(memory)
  const depth = all[depthAt]!
  const start = recordsAt + published * (2 + depth)
  all.set([changeKinds.indexOf(change.kind), change.item, ...change.codes], start)
  Atomics.store(all, publishedAt, published + 1)
}

/** By the writer only, when every reader has been sent the newer trie. */
export function markReplaced({ memory }: ChangeLog): void {
  Atomics.store(new Int32Array(memory), replacedAt, 1)
}

/** The change of a number below `published`. */
export function changeAt({ memory }: ChangeLog, number: number): Change {
  const all = new Int32Array(memory)
  const depth = all[depthAt]!
  const start = recordsAt + number * (2 + depth)
  const kind = changeKinds[all[start]!]!
  const codes = kind === 'insert' ? Array.from(all.subarray(start + 2, start + 2 + depth)) : []
  return { kind, item: all[start + 1]!, codes }
}
