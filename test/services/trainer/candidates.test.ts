import { describe, expect, test } from 'vitest'
import { type Candidates, createCandidates } from '#services/trainer/candidates.ts'
import { createRandom } from '#shared/runtime/random.ts'

const clicks = Int32Array.of(5, 0, 40, 1, 0, 12, 3, 90, 7, 2, 0, 20)
const clicked = [0, 2, 3, 5, 6, 7, 8, 9, 11]
const none = new Int32Array(0)

describe('in full softmax', () => {
  const full = createCandidates(clicks, { fullSoftmaxItems: 9, negatives: 3 }, createRandom(1))

  test('the candidates are all items that were ever clicked, and no other', () => {
    const { items, count, inclusion } = full.forStep(Int32Array.of(7), Int32Array.of(2, 0))

    expect([...items]).toEqual(clicked)
    expect(count).toBe(clicked.length)
    expect(inclusion).toBeUndefined()
  })

  test('they are the same at every step, each item at its place', () => {
    const [first, second] = [7, 3].map(target => full.forStep(Int32Array.of(target), none))

    expect(second).toBe(first)
    expectPlaces(first!, clicked)
  })
})

describe('in sampled softmax', () => {
  const negatives = 3
  const create = (seed = 1) =>
    createCandidates(clicks, { fullSoftmaxItems: 8, negatives }, createRandom(seed))

  test('every target is a candidate, and no item that was never clicked is', () => {
    const source = create()

    for (let step = 0; step < 200; step++) {
      const targets = [clicked[step % 9]!, clicked[(step * 5) % 9]!]
      const { items, count } = source.forStep(Int32Array.from(targets), none)

      const candidates = [...items.subarray(0, count)]
      expect(candidates).toEqual(expect.arrayContaining(targets))
      expect(candidates.every(item => clicks[item]! > 0)).toBe(true)
      expect(new Set(candidates).size).toBe(count)
      expect(count).toBeLessThanOrEqual(negatives + 2)
    }
  })

  test('items that are only read stand behind the candidates', () => {
    const source = create()

    for (let step = 0; step < 50; step++) {
      const read = Int32Array.of(0, 4, 7, 7, 10)
      const chosen = source.forStep(Int32Array.of(2), read)

      const behind = [...chosen.items.subarray(chosen.count)]
      expect(behind).toEqual(expect.arrayContaining([4, 10])) // never clicked, so never drawn
      expect(behind.every(item => read.includes(item))).toBe(true)
      expect(new Set(chosen.items).size).toBe(chosen.items.length)
      expect(chosen.inclusion).toHaveLength(chosen.count)
      expectPlaces(chosen, [2, ...read])
    }
  })

  test('the chance of being a candidate is what many steps find', () => {
    const [steps, targetCount] = [20_000, 4]
    const [source, random] = [create(2), createRandom(3)]
    const urn = clicked.flatMap(item => Array.from({ length: clicks[item]! }, () => item))
    const found = new Map<number, number>()
    const stated = new Map<number, number>()

    for (let step = 0; step < steps; step++) {
      const targets = Int32Array.from({ length: targetCount }, () => urn[random.integer(180)]!)
      const { items, count, inclusion } = source.forStep(targets, none)
      for (let place = 0; place < count; place++) {
        const item = items[place]!
        found.set(item, (found.get(item) ?? 0) + 1 / steps)
        stated.set(item, inclusion![place]!)
      }
    }

    expect(urn).toHaveLength(180)
    expect([...stated.keys()].sort((a, b) => a - b)).toEqual(clicked)
    for (const [item, chance] of stated) {
      const deviation = Math.sqrt((chance * (1 - chance)) / steps)
      expect(Math.abs(found.get(item)! - chance), `item ${item}`).toBeLessThan(4.5 * deviation)
    }
    expect(stated.get(7)! / stated.get(3)!).toBeGreaterThan(3) // popular ones are drawn more often
  })

  test('the same seed draws the same candidates, another one others', () => {
    const drawn = (seed: number) => {
      const source = create(seed)
      return Array.from({ length: 9 }, () => [...source.forStep(Int32Array.of(0), none).items])
    }

    expect(drawn(1)).toEqual(drawn(1))
    expect(drawn(1)).not.toEqual(drawn(2))
  })
})

function expectPlaces({ items, placeOf }: Candidates, asked: readonly number[]): void {
  expect(asked.map(item => items[placeOf(item)])).toEqual(asked)
}
