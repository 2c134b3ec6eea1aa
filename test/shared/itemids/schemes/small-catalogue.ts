// A catalogue of which everything is known that a scheme may read: sixty items in six groups that are
// visited together, described alike and alike in their vectors. The last two were never clicked.
import type { Item } from '#shared/catalog/item.ts'
import type { AssignedIds } from '#shared/itemids/assign-item-ids.ts'
import type { IndexInput } from '#shared/itemids/scheme.ts'
import { createRandom } from '#shared/runtime/random.ts'

export const groupCount = 6
const [itemCount, width] = [60, 8]
const kinds = ['lamp', 'chair', 'table', 'shelf', 'carpet', 'mirror']
const colours = ['red', 'green', 'blue', 'white', 'black']

export const smallItems: readonly Item[] = Array.from({ length: itemCount }, (_, i) => ({
  key: `item ${i}`,
  attributes: {
    title: `${kinds[i % groupCount]} ${colours[i % 5]} number ${i}`,
    categories: ['home', i % groupCount < 3 ? 'indoors' : 'outdoors', kinds[i % groupCount]!],
    price: 10 + i
  },
  isVisible: true
}))

/** Numbers of items that no session has. */
export const unclicked = [58, 59]

export function smallInput(changes: Partial<IndexInput> = {}): IndexInput {
  return {
    items: smallItems,
    sessions: groupSessions(),
    width,
    vectors: groupVectors(4),
    metadataVectors: groupVectors(5),
    random: createRandom(1),
    ...changes
  }
}

/** The first items of a catalogue with what belongs to them. */
export function firstItems(count: number): IndexInput {
  const { items, sessions, vectors, metadataVectors } = smallInput()
  return smallInput({
    items: items.slice(0, count),
    sessions: sessions.map(session => session.filter(item => item < count)),
    vectors: vectors.slice(0, count * width),
    metadataVectors: metadataVectors.slice(0, count * width)
  })
}

/** Near one corner of a cube for each group, another one for each seed. */
function groupVectors(seed: number): Float32Array {
  const random = createRandom(seed)
  return Float32Array.from({ length: itemCount * width }, (_, at) => {
    const [item, d] = [Math.floor(at / width), at % width]
    return (d === (item + seed) % groupCount ? 10 : 0) + random.normal() * 0.1
  })
}

/** Eighty walks of four items, each within one group, all unclicked ones left out. */
function groupSessions(): Int32Array[] {
  const random = createRandom(6)
  return Array.from({ length: 240 }, (_, s) =>
    Int32Array.from(
      { length: 4 },
      () => (s % groupCount) + groupCount * random.integer(itemCount / groupCount)
    ).filter(item => !unclicked.includes(item))
  )
}

/** Codes before the last one. */
export function pathOf({ itemIds }: AssignedIds, item: number): number[] {
  const { codes, depth } = itemIds
  return Array.from(codes.subarray(item * depth, (item + 1) * depth - 1))
}
