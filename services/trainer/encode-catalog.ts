// The vectors of a whole catalogue, from the weights of the moment. Items are encoded a block at a
// time: what a million of them read of the table side by side would be gigabytes.
import * as tf from '@tensorflow/tfjs-core'
import { encodeItems, type ModelConfig } from '#shared/model/model.ts'
import type { NamedArrays } from '#shared/model/safetensors.ts'
import { embedBags, type Lookups } from '#shared/model/unified-embedding.ts'
import { tensorsOf, valuesOf } from '#shared/model/weights.ts'
import { readBags, readsOf } from './item-table.ts'
import type { TrainingSet } from './training-set.ts'

const blockSize = 1 << 15

/** @returns [items, D]. The key of an item that training never saw is left out: nothing is known by it. */
export function encodeCatalog(
  set: Pick<TrainingSet, 'metadata' | 'key' | 'columns' | 'itemKeys' | 'clicks'>,
  config: ModelConfig,
  { table, ...weights }: NamedArrays
): Float32Array {
  const vectors = new Float32Array(set.itemKeys.length * config.width)
  for (let start = 0; start < set.itemKeys.length; start += blockSize) {
    const count = Math.min(blockSize, set.itemKeys.length - start)
    const items = Int32Array.from({ length: count }, (_, i) => start + i)
    const rows = table!.values as Float32Array
    const embed = (lookups: Lookups) => embedBags(rows, config.rowWidth, lookups)
    const bags = readBags(embed, readsOf(set, items), count)
    const block = valuesOf(() => {
      const { metadata, key } = tensorsOf({ ...bags })
      const mask = Float32Array.from(items, item => (set.clicks[item]! > 0 ? 1 : 0))
      return encodeItems(
        tensorsOf(weights),
        config,
        { metadata: metadata as tf.Tensor2D, key: key as tf.Tensor2D },
        tf.tensor2d(mask, [count, 1])
      )
    })
    vectors.set(block, start * config.width)
  }
  return vectors
}
