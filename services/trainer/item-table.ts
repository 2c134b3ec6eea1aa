// What a step reads of the embedding table. The table stays outside the backend (see bag-kernel.ts):
// only the sums that the items of a step have read enter it.
import type { NamedArray } from '#shared/model/safetensors.ts'
import { type Lookups, lookupsOf, reachedRows } from '#shared/model/unified-embedding.ts'
import type { TrainingSet } from './training-set.ts'

/** What a step reads of the catalogue. */
export interface ItemReads {
  readonly metadata: Lookups
  readonly key: Lookups
  /** The rows of the table among them, each once. */
  readonly rows: Int32Array
}

/** Rows of the table, summed for each item: leaves of the step's loss. */
export interface ItemBags {
  /** [I, F * E] */
  readonly metadata: NamedArray
  /** [I, D] */
  readonly key: NamedArray
}

type Catalog = Pick<TrainingSet, 'metadata' | 'key' | 'columns' | 'itemKeys'>

export function readsOf(set: Catalog, items: Int32Array): ItemReads {
  const keyColumns = (set.key.starts.length - 1) / set.itemKeys.length
  const metadata = lookupsOf(set.metadata, set.columns, items)
  const key = lookupsOf(set.key, keyColumns, items)
  return { metadata, key, rows: reachedRows(metadata, key) }
}

/** @param embed see embedBags. */
export function readBags(
  embed: (lookups: Lookups) => Float32Array,
  reads: Pick<ItemReads, 'metadata' | 'key'>,
  items: number
): ItemBags {
  const bag = (lookups: Lookups): NamedArray => {
    const values = embed(lookups)
    return { shape: [items, values.length / items], values }
  }
  return { metadata: bag(reads.metadata), key: bag(reads.key) }
}
