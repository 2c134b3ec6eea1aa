// How long a large catalogue takes to index, on data that are made up: items in groups, visited mostly
// within their group, popular ones far more often than others, and vectors that know the group.
import { assignItemIds } from '#shared/itemids/assign-item-ids.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import type { Scheme } from '#shared/itemids/item-ids.ts'
import { createPlacer } from '#shared/itemids/place-item.ts'
import type { IndexInput } from '#shared/itemids/scheme.ts'
import { TrieOverlay } from '#shared/itemids/trie-overlay.ts'
import { watchFit } from '#shared/itemids/watch-fit.ts'
import { createRandom } from '#shared/runtime/random.ts'
import type { Figure } from '../report.ts'

const width = 64
const groupSize = 50
const clicksPerItem = 10

export function indexAtScale(
  count: number,
  schemes: readonly Scheme[] = ['collaborative', 'residual-kmeans', 'residual-kmeans-collaborative']
): Figure[] {
  const input = madeUp(count)
  return schemes.flatMap(scheme => {
    const startedAt = performance.now()
    const { itemIds, placing } = watchFit(scheme, process.stderr, onProgress =>
      assignItemIds(scheme, { ...input, random: createRandom(1), onProgress })
    )
    const seconds = (performance.now() - startedAt) / 1000
    const taken = new TrieOverlay(buildTrie(itemIds)) // throws when two items share an ID
    const placer = createPlacer(itemIds, placing)
    const place = (n: number) => {
      const like = n % count
      const vector = input.vectors.subarray(like * width, (like + 1) * width)
      const item = { ...input.items[like]!, key: `new ${n}` }
      const placedAt = performance.now()
      const codes = placer.place({ item, vector, number: count + n }, taken)
      const took = 1000 * (performance.now() - placedAt)
      taken.apply({ kind: 'insert', item: count + n, codes }) // as serving does
      return took
    }
    for (let n = 0; n < 200; n++) place(n) // until compiled
    const places = Array.from({ length: 1000 }, (_, n) => place(200 + n)).sort((a, b) => a - b)
    const name = `${scheme}, ${count} items`
    return [
      { name: `${name}, indexing`, value: seconds, unit: 's', wanted: minutes },
      { name: `${name}, depth`, value: itemIds.depth, unit: 'levels' },
      { name: `${name}, largest level`, value: Math.max(...itemIds.levelSizes), unit: 'codes' },
      { name: `${name}, placing, median`, value: places[500]!, unit: 'µs', wanted: millisecond },
      { name: `${name}, placing, p99`, value: places[990]!, unit: 'µs', wanted: millisecond }
    ]
  })
}

/** "In minutes". */
const minutes = { of: 'value', atMost: 600 } as const
const millisecond = { of: 'value', atMost: 1000 } as const

function madeUp(count: number): IndexInput {
  const random = createRandom(1)
  const groups = Math.ceil(count / groupSize)
  const centres = Float32Array.from({ length: groups * width }, random.normal)
  const groupOf = Int32Array.from({ length: count }, () => random.integer(groups))
  const vectors = new Float32Array(count * width)
  groupOf.forEach((group, item) => {
    for (let d = 0; d < width; d++) {
      vectors[item * width + d] = centres[group * width + d]! + 0.5 * random.normal()
    }
  })
  const members: number[][] = Array.from({ length: groups }, () => [])
  groupOf.forEach((group, item) => {
    members[group]!.push(item)
  })
  const inhabited = members.filter(items => items.length > 0)
  const pick = (items: readonly number[]) => items[Math.floor(items.length * random.next() ** 2)]!
  const sessions = Array.from({ length: Math.ceil((count * clicksPerItem) / 8) }, () => {
    const home = inhabited[random.integer(inhabited.length)]!
    return Int32Array.from({ length: 8 }, () =>
      random.next() < 0.9 ? pick(home) : pick(inhabited[random.integer(inhabited.length)]!)
    )
  })
  const items = Array.from({ length: count }, (_, i) => ({
    key: `item ${i}`,
    attributes: {
      title: `thing ${groupOf[i]} of ${i}`,
      categories: ['all', `group ${groupOf[i]}`]
    },
    isVisible: true
  }))
  return { items, sessions, width, vectors, metadataVectors: vectors, random }
}
