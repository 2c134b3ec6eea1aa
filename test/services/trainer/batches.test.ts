import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { batchOf, drawBatches, type Window, windowsOf } from '#services/trainer/batches.ts'
import type { SessionInput } from '#shared/recommendations/session-input.ts'
import { createRandom } from '#shared/runtime/random.ts'

const sessions = fc.array(
  fc.nat(40).map(length => sessionOf(0, length)),
  { maxLength: 20 }
)

describe('windowsOf', () => {
  test('takes a short session whole, without its last click, which is only a target', () => {
    const [window, ...others] = windowsOf([sessionOf(10, 4)], 20)

    expect(others).toEqual([])
    expect(window!.input.items).toEqual(Int32Array.of(10, 11, 12))
    expect(window!.next).toEqual(Int32Array.of(11, 12, 13))
  })

  test('cuts a long session into windows that overlap by half and learn only what is new', () => {
    const windows = windowsOf([sessionOf(0, 9)], 4)

    expect(windows.map(({ input, next }) => [Array.from(input.items), Array.from(next)])).toEqual([
      [
        [0, 1, 2, 3],
        [1, 2, 3, 4]
      ],
      [
        [2, 3, 4, 5],
        [-1, -1, 5, 6]
      ],
      [
        [4, 5, 6, 7],
        [-1, -1, 7, 8]
      ]
    ])
    expect(windows.map(({ input }) => input.gaps[0])).toEqual([0, 0, 0])
  })

  test('learns from every click but the first once, whatever the lengths', () => {
    fc.assert(
      fc.property(sessions, fc.integer({ min: 1, max: 12 }), (made, maxLength) => {
        const windows = windowsOf(made, maxLength)

        const targets = windows.flatMap(({ next }) => Array.from(next.filter(item => item >= 0)))
        const expected = made.flatMap(({ items }) => Array.from(items.subarray(1)))
        expect(targets.sort(ascending)).toEqual(expected.sort(ascending))
        for (const { input, next } of windows) {
          expect(next.length).toBeLessThanOrEqual(maxLength)
          expect(input.items).toHaveLength(next.length)
          const follows = next.every((target, n) => target < 0 || target === input.items[n]! + 1)
          expect(follows).toBe(true) // as sessionOf numbers items
        }
      })
    )
  })

  test('makes nothing of a session with fewer than two clicks', () => {
    expect(windowsOf([sessionOf(0, 0), sessionOf(0, 1)], 4)).toEqual([])
  })
})

describe('batchOf', () => {
  test('puts windows side by side, padded on the right with zeros', () => {
    const long = windowOf({ items: [5, 6, 7], types: [1, 2, 3], gaps: [0, 4, 4], next: [-1, 7, 8] })
    const short = windowOf({ items: [9], types: [3], gaps: [0], next: [2] })

    expect(batchOf([long, short])).toEqual({
      size: 2,
      length: 3,
      items: Int32Array.of(5, 6, 7, 9, 0, 0),
      types: Int32Array.of(1, 2, 3, 3, 0, 0),
      gaps: Int32Array.of(0, 4, 4, 0, 0, 0),
      places: Int32Array.of(1, 2, 3),
      targets: Int32Array.of(7, 8, 2)
    })
  })
})

describe('drawBatches', () => {
  test('takes every window once, in batches that do not exceed their size in clicks', () => {
    fc.assert(
      fc.property(sessions, fc.integer({ min: 1, max: 60 }), (made, clicksPerBatch) => {
        const windows = windowsOf(made, 8)

        const batches = drawBatches(windows, clicksPerBatch, createRandom(1))

        const drawn = batches.flatMap(({ targets }) => Array.from(targets))
        const expected = windows.flatMap(({ next }) => Array.from(next).filter(item => item >= 0))
        expect(drawn.sort(ascending)).toEqual(expected.sort(ascending))
        for (const { size, length } of batches) {
          if (size > 1) expect(size * length).toBeLessThanOrEqual(clicksPerBatch)
        }
      })
    )
  })

  test('puts windows of similar length together', () => {
    const windows = windowsOf(
      Array.from({ length: 60 }, (_, i) => sessionOf(0, 2 + (i % 6))),
      8
    )

    const batches = drawBatches(windows, 24, createRandom(1))

    const padding = batches.reduce(
      (sum, { size, length, targets }) => sum + size * length - targets.length,
      0
    )
    expect(padding).toBeLessThan(20) // of 210 clicks
  })

  test('draws another order each time, and the same for the same seed', () => {
    const windows = windowsOf(
      Array.from({ length: 30 }, (_, i) => sessionOf(100 * i, 5)),
      8
    )
    const draw = (random = createRandom(1)) => drawBatches(windows, 20, random)
    const random = createRandom(1)

    const [first, second] = [draw(random), draw(random)]

    expect(first).not.toEqual(second)
    expect(first).toEqual(draw())
  })
})

/** A session of clicks on items numbered on from `first`. */
function sessionOf(first: number, length: number): SessionInput {
  return {
    items: Int32Array.from({ length }, (_, n) => first + n),
    types: new Int32Array(length),
    gaps: Int32Array.from({ length }, (_, n) => (n === 0 ? 0 : 3))
  }
}

function windowOf({ next, ...input }: Record<keyof SessionInput | 'next', number[]>): Window {
  return {
    input: {
      items: Int32Array.from(input.items),
      types: Int32Array.from(input.types),
      gaps: Int32Array.from(input.gaps)
    },
    next: Int32Array.from(next)
  }
}

function ascending(a: number, b: number): number {
  return a - b
}
