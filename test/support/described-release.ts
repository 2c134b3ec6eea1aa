// A release whose items have vectors from their attributes, so that new ones can join them: groups of
// items that are alike, and random weights.

import type { Item } from '#shared/catalog/item.ts'
import { itemGraph } from '#shared/graphs/item-graph.ts'
import { assignItemIds } from '#shared/itemids/assign-item-ids.ts'
import type { Scheme } from '#shared/itemids/item-ids.ts'
import { describeItems, fitContentSimilarity } from '#shared/recommendations/content-similarity.ts'
import { openItemEncoder } from '#shared/recommendations/item-encoder.ts'
import type { TrainedModel } from '#shared/recommendations/trained-model.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { smallModel } from './small-release.ts'
import { tinyConfig } from './tiny-model.ts'

export const groups = ['red', 'green', 'blue', 'grey', 'black', 'white'] as const

/** Attributes of an item of a group. */
export function attributesOf(group: string): Item['attributes'] {
  return { colour: group, words: [`${group} shirt`, 'linen'], categories: ['shop', group] }
}

/** `count` visible items: item i is of group i modulo the number of groups. */
export function describedItems(count: number): Item[] {
  return Array.from({ length: count }, (_, i) => ({
    key: `item ${i}`,
    attributes: attributesOf(groups[i % groups.length]!),
    isVisible: true
  }))
}

/** The model that training on these items might have made. New items come first in its answers. */
export async function describedModel(
  items: readonly Item[],
  scheme: Scheme = 'residual-kmeans'
): Promise<TrainedModel> {
  const bare = smallModel(items.map(({ key }) => key))
  const { width, rowWidth, rows } = tinyConfig
  const parts = {
    config: tinyConfig,
    reading: {
      features: [
        { kind: 'label', name: 'colour', attribute: 'colour', chunks: 1 },
        { kind: 'label', name: 'words', attribute: 'words', chunks: 2 }
      ],
      keyLayout: { name: 'item key', chunks: 2 },
      buckets: rows
    },
    reachedRows: Int32Array.from({ length: rows }, (_, row) => row)
  } as const
  const descriptions = describeItems(items, parts.reading.features)
  const clicks = Int32Array.from(items, (_, i) => 10 + (i % 7))
  const trained = bare.weights.table!.values as Float32Array
  const table = new Float32Array(trained.length + rowWidth)
  table.set(trained)
  const graph = itemGraph(tinyConfig, bare.weights)
  const encoder = await openItemEncoder({ ...parts, table, itemGraph: graph })
  const encode = (hasKey: boolean) => encoder.encode(items.map(item => ({ item, hasKey })))
  const [vectors, metadataVectors] = [await encode(true), await encode(false)]
  await encoder.close()
  const { itemIds, placing } = assignItemIds(scheme, {
    items,
    sessions: [],
    width,
    vectors,
    metadataVectors,
    random: createRandom(1)
  })
  return {
    ...bare,
    ...parts,
    vectors,
    itemIds,
    placing,
    descriptions,
    similarity: fitContentSimilarity(descriptions, () => false),
    clicks,
    blend: {
      coVisitationWeight: 0,
      similarityWeight: 0,
      returnWeight: 0,
      clickDecay: 0.6,
      newItemMargin: 5
    }
  }
}
