// Cuts encoded sessions into batches of similar length, so that little of a batch is padding.
import { partOf, type SessionInput } from '#shared/recommendations/session-input.ts'
import type { Random } from '#shared/runtime/random.ts'

/** Sessions side by side as flat row-major arrays [B, N], padded with zeros on the right. */
export interface Batch {
  readonly size: number
  readonly length: number
  readonly items: Int32Array
  readonly types: Int32Array
  readonly gaps: Int32Array
  /** [T] places b * N + n of the clicks that have a next one. */
  readonly places: Int32Array
  /** [T] the item clicked next. */
  readonly targets: Int32Array
}

/**
 * Windows of at most `maxLength` clicks and the one that follows each. A window of a long session
 * starts half a window after the one before, and only its new half is learned from.
 */
export interface Window {
  readonly input: SessionInput
  /** Item after each click of the input; -1 where the click was learned from in an earlier window. */
  readonly next: Int32Array
}

export function windowsOf(sessions: readonly SessionInput[], maxLength: number): Window[] {
  return sessions.flatMap(session => {
    const targets = session.items.length - 1
    const windows: Window[] = []
    for (let start = 0, done = 0; done < targets; start += Math.ceil(maxLength / 2)) {
      const end = Math.min(start + maxLength, targets)
      const next = session.items.slice(start + 1, end + 1)
      windows.push({ input: partOf(session, start, end), next: next.fill(-1, 0, done - start) })
      done = end
    }
    return windows
  })
}

/** Every window once, in batches of about `clicksPerBatch` clicks; another order for every draw. */
export function drawBatches(
  windows: readonly Window[],
  clicksPerBatch: number,
  random: Random
): Batch[] {
  const order = random.shuffle(windows.map((_, index) => index))
  order.sort((a, b) => windows[a]!.next.length - windows[b]!.next.length) // stable: ties stay shuffled
  const groups: Window[][] = []
  let group: Window[] = []
  for (const index of order) {
    const window = windows[index]!
    if ((group.length + 1) * window.next.length > clicksPerBatch && group.length > 0) {
      groups.push(group)
      group = []
    }
    group.push(window)
  }
  if (group.length > 0) groups.push(group)
  return random.shuffle(groups).map(batchOf)
}

export function batchOf(windows: readonly Window[]): Batch {
  const size = windows.length
  const length = Math.max(...windows.map(({ next }) => next.length))
  const [items, types, gaps] = [0, 1, 2].map(() => new Int32Array(size * length)) as [
    Int32Array,
    Int32Array,
    Int32Array
  ]
  const places: number[] = []
  const targets: number[] = []
  windows.forEach(({ input, next }, b) => {
    items.set(input.items, b * length)
    types.set(input.types, b * length)
    gaps.set(input.gaps, b * length)
    next.forEach((target, n) => {
      if (target < 0) return
      places.push(b * length + n)
      targets.push(target)
    })
  })
  return {
    size,
    length,
    items,
    types,
    gaps,
    places: Int32Array.from(places),
    targets: Int32Array.from(targets)
  }
}
