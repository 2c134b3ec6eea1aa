// Which items are described alike: the cosine of what their features say, rare values counting more.
// It reads metadata alone, so that an item nobody has clicked has neighbours too, and finds what a
// small model smooths over: the same brand, the same words.
//
//   x_a(v)           = weight of value v in item a times log(1 + items / items that have v), |x_a| = 1
//   similarity(a, b) = sum over v of x_a(v) x_b(v)
//
// The usual TF-IDF cosine (Salton and Buckley 1988), by an inverted index.
import type { Feature } from '#shared/catalog/derive-features.ts'
import type { Item } from '#shared/catalog/item.ts'
import { itemFeatures } from '#shared/catalog/item-features.ts'
import { murmurHash } from '#shared/model/murmur-hash.ts'
import { GrowingArray } from './growing-array.ts'
import { type ItemSimilarity, listNeighbours, type Neighbours } from './neighbours.ts'

/** Neighbours kept for each item: half of them ranked a little worse on Beauty (validation, 2026-11). */
const neighboursKept = 100
/** Neighbours kept of all items together, 160 MB: in a large catalogue each item keeps fewer. */
const allKept = 20_000_000
/** New items kept in any case: those with clicks would crowd them out. */
const newKept = 20
/** A value that more items have says little, and finding them takes the square of their number. */
const mostHolders = 1000

/** What items say, one row for each: the values that it has, by hash, and how much they weigh. */
export interface Descriptions {
  /** [items + 1] */
  readonly starts: Int32Array
  readonly values: Int32Array
  readonly weights: Float32Array
}

/** @param features by which the items are read: those of the release. */
export function describeItems(items: readonly Item[], features: readonly Feature[]): Descriptions {
  const starts = new Int32Array(items.length + 1)
  const values = new GrowingArray(Int32Array)
  const weights = new GrowingArray(Float32Array)
  items.forEach((item, i) => {
    itemFeatures(item, features).forEach((found, f) => {
      const salt = murmurHash(features[f]!.name, 0)
      for (const { value, weight } of found) {
        values.push(murmurHash(value, salt) | 0)
        weights.push(weight)
      }
    })
    starts[i + 1] = values.length
  })
  return { starts, values: values.taken(), weights: weights.taken() }
}

/** Finds what is described like an item. */
export interface ContentIndex {
  /**
   * The items most like the one described in this row, the most similar first, without itself.
   *
   * @param described the indexed items themselves, or items that came later.
   */
  nearest(described: Descriptions, row: number): ItemSimilarity[]
}

/** @param isNew whether an item has no clicks, so that room is kept for it. */
export function indexContent(
  described: Descriptions,
  isNew: (item: number) => boolean
): ContentIndex {
  const itemCount = described.starts.length - 1
  const rarity = rarityOf(described)
  const own = normalise(described, rarity)
  const holders = holdersOf(own, rarity)
  const sums = new Float64Array(itemCount)
  const kept = Math.max(newKept, Math.min(neighboursKept, Math.floor(allKept / itemCount)))

  return {
    nearest(asked, row) {
      const isOwn = asked === described
      const [from, to] = [asked.starts[row]!, asked.starts[row + 1]!]
      const weights = isOwn ? own.weights.subarray(from, to) : rowWeights(asked, row, rarity)
      const touched: number[] = []
      for (let at = from; at < to; at++) {
        const list = holders.get(asked.values[at]!)
        if (!list) continue
        for (let n = 0; n < list.items.length; n++) {
          const item = list.items[n]!
          if (sums[item] === 0) touched.push(item)
          sums[item]! += weights[at - from]! * list.weights[n]!
        }
      }
      const found = touched.filter(item => !isOwn || item !== row)
      const best = mostSimilar(found, { sums, kept, isNew })
      for (const item of touched) sums[item] = 0
      return best
    }
  }
}

/**
 * Neighbours by content of all items that are described.
 *
 * @param onProgress told now and then how many items are done.
 */
export function fitContentSimilarity(
  described: Descriptions,
  isNew: (item: number) => boolean,
  onProgress: (done: number) => void = () => undefined
): Neighbours {
  const index = indexContent(described, isNew)
  const itemCount = described.starts.length - 1
  function* rows() {
    for (let row = 0; row < itemCount; row++) {
      if (row % 500 === 0) onProgress(row)
      yield index.nearest(described, row)
    }
  }
  return listNeighbours(rows())
}

/** How many items have a value, and what that makes of its weight. */
interface Rarity {
  readonly counts: ReadonlyMap<number, number>
  of(value: number): number
}

function rarityOf({ starts, values }: Descriptions): Rarity {
  const itemCount = starts.length - 1
  const counts = new Map<number, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return { counts, of: value => Math.log(1 + itemCount / (counts.get(value) ?? 1)) }
}

function normalise(described: Descriptions, rarity: Rarity): Descriptions {
  const weights = new Float32Array(described.weights.length)
  for (let row = 0; row < described.starts.length - 1; row++) {
    weights.set(rowWeights(described, row, rarity), described.starts[row])
  }
  return { ...described, weights }
}

/** Of one item: of length one. */
function rowWeights(
  { starts, values, weights }: Descriptions,
  row: number,
  rarity: Rarity
): Float32Array {
  const from = starts[row]!
  const scaled = weights
    .slice(from, starts[row + 1])
    .map((weight, n) => weight * rarity.of(values[from + n]!))
  const length = Math.sqrt(scaled.reduce((sum, weight) => sum + weight ** 2, 0))
  return length > 0 ? scaled.map(weight => weight / length) : scaled
}

interface Holders {
  readonly items: number[]
  readonly weights: number[]
}

/** The items that have a value, for each value that several have and not too many. */
function holdersOf({ starts, values, weights }: Descriptions, { counts }: Rarity) {
  const holders = new Map<number, Holders>()
  for (let item = 0; item < starts.length - 1; item++) {
    for (let at = starts[item]!; at < starts[item + 1]!; at++) {
      const value = values[at]!
      if (counts.get(value)! > mostHolders) continue
      const list = holders.get(value) ?? { items: [], weights: [] }
      list.items.push(item)
      list.weights.push(weights[at]!)
      holders.set(value, list)
    }
  }
  return holders
}

interface Choice {
  readonly sums: Float64Array
  readonly kept: number
  readonly isNew: (item: number) => boolean
}

function mostSimilar(found: readonly number[], { sums, kept, isNew }: Choice): ItemSimilarity[] {
  const best = topOf(found, sums, kept)
  const missing = newKept - best.filter(isNew).length
  const taken = new Set(best)
  const more = missing > 0 ? found.filter(item => isNew(item) && !taken.has(item)) : []
  return [...best, ...topOf(more, sums, missing)].map(item => ({ item, similarity: sums[item]! }))
}

/** The first so many by falling sum. Sorting numbers alone first is several times faster. */
function topOf(items: readonly number[], sums: Float64Array, count: number): number[] {
  const ordered = Float64Array.from(items, item => sums[item]!).sort()
  const least = ordered[items.length - count] ?? 0
  return items
    .filter(item => sums[item]! >= least)
    .sort((a, b) => sums[b]! - sums[a]! || a - b)
    .slice(0, Math.max(0, count))
}
