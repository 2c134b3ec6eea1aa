// Unified Embedding / Feature Multiplexing (Coleman et al. 2023, arXiv 2305.12102, section 3): every
// feature of an item looks its values up in ONE table. A value is looked up `chunks` times, each with
// its own salted hash, and the chunks are concatenated, so that two values that share a row in one
// chunk differ in the other. Values of different features may share rows: the first layer after the
// concatenation learns to tell them apart.
//
// Axis key: I items, F columns (one for each chunk of each feature), E width of a row, L look-ups,
// R rows of the table that the catalogue reaches.
//
// The sums are plain loops over arrays, not tensor operations: a gather followed by a sum by segment
// writes every row read to memory first and took three times as long (Amazon Beauty, 2026-11), and
// a gradient that stays a list of rows lets the optimizer touch only these.
import { murmurHash } from './murmur-hash.ts'

/** One value of one feature of an item. Its weight is 1 unless the feature is a weighted bag. */
export interface FeatureValue {
  readonly value: string
  readonly weight: number
}

/** How a feature enters the table. */
export interface FeatureLayout {
  readonly name: string
  /** Look-ups for each value; two or more for a feature that must identify an item (2-probe rule). */
  readonly chunks: number
}

/**
 * The look-ups of a list of items as flat arrays: segment s = item * F + column is the sum of
 * `weights[l]` times row `rows[l]` over the look-ups l from `starts[s]` up to `starts[s + 1]`.
 */
export interface Lookups {
  readonly rows: Int32Array
  readonly weights: Float32Array
  /** [I * F + 1] */
  readonly starts: Int32Array
}

/** Row of a value in a table of `buckets` rows, salted by feature and chunk. */
export function bucketOf(feature: string, chunk: number, value: string, buckets: number): number {
  return murmurHash(value, murmurHash(feature, chunk)) % buckets
}

/** Where a value of a feature is looked up: one table for all features, unless an experiment differs. */
export type RowOf = (feature: string, chunk: number, value: string) => number

export function multiplexed(buckets: number): RowOf {
  return (feature, chunk, value) => bucketOf(feature, chunk, value, buckets)
}

/**
 * Hashes items into look-ups.
 *
 * @param layout the features, in the order in which their chunks are concatenated.
 * @param items for each item, for each feature of the layout, its values (none when missing: the
 *   column is then zero).
 * @param rowOf see multiplexed.
 */
export function hashItems(
  layout: readonly FeatureLayout[],
  items: readonly (readonly (readonly FeatureValue[])[])[],
  rowOf: RowOf
): Lookups {
  const rows: number[] = []
  const weights: number[] = []
  const starts = [0]
  for (const item of items) {
    layout.forEach((feature, f) => {
      for (let chunk = 0; chunk < feature.chunks; chunk++) {
        for (const { value, weight } of item[f] ?? []) {
          rows.push(rowOf(feature.name, chunk, value))
          weights.push(weight)
        }
        starts.push(rows.length)
      }
    })
  }
  return {
    rows: Int32Array.from(rows),
    weights: Float32Array.from(weights),
    starts: Int32Array.from(starts)
  }
}

/** Columns F of a layout: the sum of its chunks. */
export function columnsOf(layout: readonly FeatureLayout[]): number {
  return layout.reduce((sum, feature) => sum + feature.chunks, 0)
}

/**
 * Weighted sums of table rows, one for each segment.
 *
 * @param table [R, E] row-major; @param width E.
 * @returns [segments, E] row-major.
 */
export function embedBags(
  table: Float32Array,
  width: number,
  { rows, weights, starts }: Lookups
): Float32Array {
  const sums = new Float32Array((starts.length - 1) * width)
  for (let s = 0, to = 0; s + 1 < starts.length; s++, to += width) {
    for (let l = starts[s]!; l < starts[s + 1]!; l++) {
      const from = rows[l]! * width
      const weight = weights[l]!
      for (let e = 0; e < width; e++) sums[to + e]! += weight * table[from + e]!
    }
  }
  return sums
}

/**
 * The gradient of embedBags: adds to each row that was read what the sums that it went into received.
 *
 * @param gradients [segments, E], of the sums.
 * @param into [R, E], of the table; rows that the look-ups do not read stay untouched.
 */
export function addBagGradients(
  gradients: Float32Array,
  width: number,
  { rows, weights, starts }: Lookups,
  into: Float32Array
): void {
  for (let s = 0, from = 0; s + 1 < starts.length; s++, from += width) {
    for (let l = starts[s]!; l < starts[s + 1]!; l++) {
      const to = rows[l]! * width
      const weight = weights[l]!
      for (let e = 0; e < width; e++) into[to + e]! += weight * gradients[from + e]!
    }
  }
}

/** The look-ups of some items. @param columns F. */
export function lookupsOf(all: Lookups, columns: number, items: Int32Array): Lookups {
  const starts = new Int32Array(items.length * columns + 1)
  items.forEach((item, i) => {
    for (let column = 0; column < columns; column++) {
      const [from, to] = [item * columns + column, i * columns + column]
      starts[to + 1] = starts[to]! + all.starts[from + 1]! - all.starts[from]!
    }
  })
  const rows = new Int32Array(starts.at(-1)!)
  const weights = new Float32Array(starts.at(-1)!)
  items.forEach((item, i) => {
    const [from, to] = [all.starts[item * columns]!, all.starts[(item + 1) * columns]!]
    rows.set(all.rows.subarray(from, to), starts[i * columns]!)
    weights.set(all.weights.subarray(from, to), starts[i * columns]!)
  })
  return { rows, weights, starts }
}

/** The distinct rows that the look-ups read, in order. */
export function reachedRows(...all: readonly Lookups[]): Int32Array {
  const reached = new Set<number>()
  for (const lookups of all) for (const row of lookups.rows) reached.add(row)
  return Int32Array.from(reached).sort()
}

/**
 * Renumbers look-ups from the `buckets` rows of the whole table to the R rows that are kept. A row
 * that is not kept was never trained: its look-ups are dropped, which reads it as zero.
 *
 * A table is stored and trained this way, so that its size costs memory only where values are.
 */
export function keepRows(lookups: Lookups, reached: Int32Array): Lookups {
  const place = new Map<number, number>()
  reached.forEach((row, index) => {
    place.set(row, index)
  })
  const isKept = Array.from(lookups.rows, row => place.has(row))
  const kept = Int32Array.from(lookups.rows.keys()).filter(l => isKept[l])
  const keptBefore = new Int32Array(isKept.length + 1)
  isKept.forEach((keeps, l) => {
    keptBefore[l + 1] = keptBefore[l]! + (keeps ? 1 : 0)
  })
  return {
    rows: kept.map(l => place.get(lookups.rows[l]!)!),
    weights: Float32Array.from(kept, l => lookups.weights[l]!),
    starts: lookups.starts.map(start => keptBefore[start]!)
  }
}
