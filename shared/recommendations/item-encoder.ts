// Items from the catalogue as vectors, at serving time: their features are read as in training, summed
// from the release's table, and encoded by the graph that the trainer wrote.
import type { Item } from '#shared/catalog/item.ts'
import { itemFeatures } from '#shared/catalog/item-features.ts'
import { openGraph } from '#shared/graphs/open-graph.ts'
import type { ModelConfig } from '#shared/model/model.ts'
import { bucketOf, embedBags, hashItems } from '#shared/model/unified-embedding.ts'
import { itemGraphFile } from './model-files.ts'
import type { ItemReading } from './trained-model.ts'

/** What encoding needs of a release. The arrays may lie in shared memory. */
export interface EncodingParts {
  readonly config: ModelConfig
  readonly reading: ItemReading
  /** [R] rows of the whole table that were trained, in order. */
  readonly reachedRows: Int32Array
  /** [R + 1, E] the rows, and a row of zeros for all others. */
  readonly table: Float32Array
  readonly itemGraph: Uint8Array
}

export interface DescribedItem {
  readonly item: Item
  /** Whether training has seen clicks on it: its own key then says something. */
  readonly hasKey: boolean
}

export interface ItemEncoder {
  /** @returns [items, D] row-major; the caller owns it. */
  encode(items: readonly DescribedItem[]): Promise<Float32Array>
  close(): Promise<void>
}

/** @throws RecommenderError RELEASE_CORRUPT when the graph cannot be run. */
export async function openItemEncoder(parts: EncodingParts): Promise<ItemEncoder> {
  const { config, reading, reachedRows, table, itemGraph } = parts
  const { width: D, rowWidth: E, columns: F } = config
  const graph = await openGraph(itemGraphFile, Uint8Array.from(itemGraph))
  const rowOf = (feature: string, chunk: number, value: string) =>
    placeIn(reachedRows, bucketOf(feature, chunk, value, reading.buckets))

  return {
    async encode(items) {
      const I = items.length
      if (I === 0) return new Float32Array(0)
      const keys = items.map(({ item, hasKey }) => [hasKey ? [{ value: item.key, weight: 1 }] : []])
      const key = embedBags(table, E, hashItems([reading.keyLayout], keys, rowOf)) // [I, D]
      const values = items.map(({ item }) => itemFeatures(item, reading.features))
      const metadata = embedBags(table, E, hashItems(reading.features, values, rowOf)) // [I, F * E]
      return graph.run({
        key: { shape: [I, D], values: key },
        ...(F > 0 && { metadata: { shape: [I, F * E], values: metadata } })
      })
    },
    close: graph.close
  }
}

/** Place of a number in a sorted list; its length where it is not in it. */
function placeIn(sorted: Int32Array, wanted: number): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! < wanted) low = middle + 1
    else high = middle
  }
  return sorted[low] === wanted ? low : sorted.length
}
