// Unified Embedding / Feature Multiplexing (Coleman et al. 2023, arXiv 2305.12102, section 3): every
// feature of an item looks its values up in ONE table. A value is looked up `chunks` times, each with
// its own salted hash, and the chunks are concatenated, so that two values that share a row in one
// chunk differ in the other. Values of different features may share rows: the first layer after the
// concatenation learns to tell them apart.
//
// Axis key: I items, F columns (one for each chunk of each feature), E width of a row, L look-ups,
// R rows of the table that the catalogue reaches.
import * as tf from '@tensorflow/tfjs-core'
import type { Save } from './layers.ts'
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
 * The look-ups of a list of items as flat arrays: look-up l adds `weights[l]` times row `rows[l]` to
 * segment `segments[l]` = item * F + column. Segments are in order.
 */
export interface Lookups {
  readonly rows: Int32Array
  readonly weights: Float32Array
  readonly segments: Int32Array
  /** I * F */
  readonly segmentCount: number
}

/** Row of a value in a table of `buckets` rows, salted by feature and chunk. */
export function bucketOf(feature: string, chunk: number, value: string, buckets: number): number {
  return murmurHash(value, murmurHash(feature, chunk)) % buckets
}

/**
 * Hashes items into look-ups.
 *
 * @param layout the features, in the order in which their chunks are concatenated.
 * @param items for each item, for each feature of the layout, its values (none when missing: the
 *   column is then zero).
 */
export function hashItems(
  layout: readonly FeatureLayout[],
  items: readonly (readonly (readonly FeatureValue[])[])[],
  buckets: number
): Lookups {
  const rows: number[] = []
  const weights: number[] = []
  const segments: number[] = []
  let segment = 0
  for (const item of items) {
    layout.forEach((feature, f) => {
      for (let chunk = 0; chunk < feature.chunks; chunk++, segment++) {
        for (const { value, weight } of item[f] ?? []) {
          rows.push(bucketOf(feature.name, chunk, value, buckets))
          weights.push(weight)
          segments.push(segment)
        }
      }
    })
  }
  return {
    rows: Int32Array.from(rows),
    weights: Float32Array.from(weights),
    segments: Int32Array.from(segments),
    segmentCount: segment
  }
}

/** Columns F of a layout: the sum of its chunks. */
export function columnsOf(layout: readonly FeatureLayout[]): number {
  return layout.reduce((sum, feature) => sum + feature.chunks, 0)
}

/**
 * Weighted sums of table rows, one for each segment. The gradient touches only the rows that were
 * read, by scattering into [R, E] once.
 *
 * @param table [R, E] float32; stays the caller's.
 * @returns [segmentCount, E] float32, owned by the caller.
 */
export function embedBags(table: tf.Tensor2D, lookups: LookupTensors): tf.Tensor2D {
  const { rows, weights, segments, segmentCount } = lookups
  const R = table.shape[0]
  const embed = tf.customGrad((...inputs) => {
    const save = inputs.pop() as unknown as Save
    const [source] = inputs as [tf.Tensor2D]
    const read = tf.mul(tf.gather(source, rows), weights) // [L, E]
    save([rows, weights, segments])
    return {
      value: tf.unsortedSegmentSum(read, segments, segmentCount), // [I * F, E]
      gradFunc: (upstream: tf.Tensor, saved: tf.Tensor[]) => {
        const [r, w, s] = saved as [tf.Tensor1D, tf.Tensor2D, tf.Tensor1D]
        return tf.unsortedSegmentSum(tf.mul(tf.gather(upstream, s), w), r, R) // [R, E]
      }
    }
  })
  return embed(table) as tf.Tensor2D
}

/** Look-ups as tensors: rows, segments [L] int32; weights [L, 1] float32. Disposed by the caller. */
export interface LookupTensors {
  readonly rows: tf.Tensor1D
  readonly weights: tf.Tensor2D
  readonly segments: tf.Tensor1D
  readonly segmentCount: number
}

export function lookupTensors(lookups: Lookups): LookupTensors {
  return {
    rows: tf.tensor1d(lookups.rows, 'int32'),
    weights: tf.tensor2d(lookups.weights, [lookups.weights.length, 1]),
    segments: tf.tensor1d(lookups.segments, 'int32'),
    segmentCount: lookups.segmentCount
  }
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
  const kept = lookups.rows.reduce<number[]>((found, row, l) => {
    if (place.has(row)) found.push(l)
    return found
  }, [])
  return {
    rows: Int32Array.from(kept, l => place.get(lookups.rows[l]!)!),
    weights: Float32Array.from(kept, l => lookups.weights[l]!),
    segments: Int32Array.from(kept, l => lookups.segments[l]!),
    segmentCount: lookups.segmentCount
  }
}
