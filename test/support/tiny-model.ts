// A model of a few hundred weights with every part of the real one, for tests.
import * as tf from '@tensorflow/tfjs-core'
import {
  type ItemTensors,
  initialWeights,
  type ModelConfig,
  type SessionTensors,
  type Weights
} from '#shared/model/model.ts'
import {
  columnsOf,
  embedBags,
  type FeatureValue,
  hashItems,
  keepRows,
  type Lookups,
  multiplexed,
  reachedRows
} from '#shared/model/unified-embedding.ts'
import { createRandom } from '#shared/runtime/random.ts'

const buckets = 512
const features = [
  { name: 'colour', chunks: 1 },
  { name: 'words', chunks: 2 }
]
const colours = ['red', 'green', 'blue', undefined]
const words = ['shirt', 'short', 'linen', 'summer', 'shoe']

/** Look-ups of `count` made-up items: a colour or none, one to three weighted words, and a key. */
export function tinyLookups(count: number): { metadata: Lookups; key: Lookups; rows: Int32Array } {
  const one = (value: string): FeatureValue => ({ value, weight: 1 })
  const items = Array.from({ length: count }, (_, i) => {
    const colour = colours[i % 4]
    const bag = Array.from({ length: 1 + (i % 3) }, (_, w) => ({
      value: words[(i + w) % words.length]!,
      weight: 0.5 + w / 4
    }))
    return [colour ? [one(colour)] : [], bag]
  })
  const metadata = hashItems(features, items, multiplexed(buckets))
  const keys = items.map((_, i) => [[one(`item ${i}`)]])
  const key = hashItems([{ name: 'item key', chunks: 2 }], keys, multiplexed(buckets))
  const rows = reachedRows(metadata, key)
  return { metadata: keepRows(metadata, rows), key: keepRows(key, rows), rows }
}

export const tinyItemCount = 9
const tiny = tinyLookups(tinyItemCount)

export const tinyConfig: ModelConfig = {
  width: 8,
  rowWidth: 4,
  columns: columnsOf(features),
  rows: tiny.rows.length,
  blocks: 2,
  heads: 2,
  maxLength: 6,
  eventTypes: 4,
  gapBuckets: 5,
  categoryClasses: [3]
}

/** What the items read of the table of these weights. */
export function tinyItems({ table }: Weights): ItemTensors {
  const rows = table!.dataSync() as Float32Array
  const bags = (lookups: Lookups, width: number) =>
    tf.tensor2d(embedBags(rows, tinyConfig.rowWidth, lookups), [tinyItemCount, width])
  return {
    metadata: bags(tiny.metadata, tinyConfig.columns * tinyConfig.rowWidth),
    key: bags(tiny.key, tinyConfig.width)
  }
}

/** Initial weights with every one of them away from zero and one, so that each makes a difference. */
export function tinyWeights(seed: number): Weights {
  const random = createRandom(seed)
  const initial = initialWeights(tinyConfig, random)
  const moved = Object.entries(initial).map(([name, tensor]) => {
    const noise = Float32Array.from({ length: tensor.size }, () => random.normal() * 0.2)
    return [name, tf.add(tensor, tf.tensor(noise, tensor.shape))]
  })
  return Object.fromEntries(moved)
}

/** Clicks as [item, type, gap] for each session, padded on the right with zeros to `length`. */
export function tinySessions(
  sessions: readonly (readonly (readonly [number, number, number])[])[],
  length = Math.max(...sessions.map(clicks => clicks.length))
): SessionTensors {
  const column = (field: 0 | 1 | 2) => {
    const values = sessions.map(clicks => Array.from({ length }, (_, n) => clicks[n]?.[field] ?? 0))
    return tf.tensor2d(values, [sessions.length, length], 'int32')
  }
  return { items: column(0), types: column(1), gaps: column(2) }
}
