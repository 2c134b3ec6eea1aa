// All that training makes: what a release holds, and what quickly follows from it.
import type { Feature } from '#shared/catalog/derive-features.ts'
import { innerMoments, type NodeMoments, nodeMoments } from '#shared/inference/node-moments.ts'
import type { DecoderWeights } from '#shared/inference/token-decoder.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import type { PrefixExplanation } from '#shared/itemids/explain-item.ts'
import type { ItemIds } from '#shared/itemids/item-ids.ts'
import type { Placing } from '#shared/itemids/place-item.ts'
import type { Trie } from '#shared/itemids/trie.ts'
import type { ModelConfig } from '#shared/model/model.ts'
import type { NamedArrays } from '#shared/model/safetensors.ts'
import type { FeatureLayout } from '#shared/model/unified-embedding.ts'
import type { Blend } from './blend.ts'
import type { Descriptions } from './content-similarity.ts'
import type { ItemCategories } from './diversify.ts'
import type { Neighbours } from './neighbours.ts'
import { floats } from './release-arrays.ts'

/** How items become look-ups; a new item is read by the same description. */
export interface ItemReading {
  readonly features: readonly Feature[]
  readonly keyLayout: FeatureLayout
  /** Rows of the whole table that values are hashed into. */
  readonly buckets: number
}

/** All that training has made. */
export interface TrainedModel {
  readonly itemKeys: readonly string[]
  readonly reading: ItemReading
  /** Rows of the whole table that were trained, in order; row r of weights.table is reachedRows[r]. */
  readonly reachedRows: Int32Array
  readonly config: ModelConfig
  /** Encoder and decoder weights by name. */
  readonly weights: NamedArrays
  /** [items, D] row-major. */
  readonly vectors: Float32Array
  readonly itemIds: ItemIds
  /** Of the inner nodes of the IDs' trie; computed where they are not at hand. */
  readonly moments?: NodeMoments
  /** Of the item IDs; built where it is not at hand. */
  readonly trie?: Trie
  /** How a new item gets an ID. */
  readonly placing: Placing
  readonly coVisitation: Neighbours
  readonly similarity: Neighbours
  /** What similarity was computed from: what a new item is similar to follows from it. */
  readonly descriptions: Descriptions
  /** [items] training clicks. */
  readonly clicks: Int32Array
  readonly blend: Blend
  /** Whether clicked items may come back unless the caller says otherwise; from the training data. */
  readonly repeats: boolean
  /** None where no category tells items apart. */
  readonly categories?: ItemCategories | undefined
  /** What the codes of item IDs stand for. */
  readonly idWords?: readonly PrefixExplanation[] | undefined
}

/** Built where it is not at hand. */
export function trieOf({ trie, itemIds }: Pick<TrainedModel, 'trie' | 'itemIds'>): Trie {
  return trie ?? buildTrie(itemIds)
}

/** Computed where they are not at hand. */
export function momentsOf({ vectors, config, moments }: TrainedModel, trie: Trie): NodeMoments {
  return moments ?? innerMoments(trie, nodeMoments(trie, vectors, config.width))
}

/** The decoder's among all weights. @throws RecommenderError RELEASE_CORRUPT when one is missing. */
export function decoderWeights(weights: NamedArrays): DecoderWeights {
  return {
    session: floats(weights['decoder.session']),
    node: floats(weights['decoder.node']),
    level: floats(weights['decoder.level']),
    output: floats(weights['decoder.output'])
  }
}

/** Items that training saw no click on. */
export function withoutClicks(clicks: Int32Array): ReadonlySet<number> {
  return new Set(Array.from(clicks.keys()).filter(item => clicks[item] === 0))
}

/** All items, those with the most training clicks first. */
export function byFallingClicks(clicks: Int32Array): Int32Array {
  return Int32Array.from(clicks.keys()).sort((a, b) => clicks[b]! - clicks[a]! || a - b)
}
