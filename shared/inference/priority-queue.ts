// A binary heap: whatever was pushed comes out in order, in logarithmic time.

export interface PriorityQueue<T> {
  push(value: T): void
  /** Removes and gives what comes first; undefined when nothing is left. */
  pop(): T | undefined
  /** What comes out next; undefined when nothing is left. */
  readonly first: T | undefined
  readonly size: number
}

/** @param compare negative when its first argument comes out first. */
export function createPriorityQueue<T>(compare: (a: T, b: T) => number): PriorityQueue<T> {
  const heap: T[] = [] // the children of place p, at 2p + 1 and 2p + 2, come after it

  function rise(place: number, value: T): void {
    while (place > 0) {
      const above = (place - 1) >> 1
      if (compare(heap[above]!, value) <= 0) break
      heap[place] = heap[above]!
      place = above
    }
    heap[place] = value
  }

  function sink(value: T): void {
    let place = 0
    for (;;) {
      let below = 2 * place + 1
      if (below >= heap.length) break
      if (below + 1 < heap.length && compare(heap[below + 1]!, heap[below]!) < 0) below++
      if (compare(value, heap[below]!) <= 0) break
      heap[place] = heap[below]!
      place = below
    }
    heap[place] = value
  }

  return {
    push: value => rise(heap.length, value),
    pop() {
      const first = heap[0]
      const last = heap.pop()
      if (heap.length > 0) sink(last as T)
      return first
    },
    get first() {
      return heap[0]
    },
    get size() {
      return heap.length
    }
  }
}
