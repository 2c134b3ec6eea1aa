// The item IDs of every scheme in a release: what serving reads is what training assigned, and a new
// item is placed there as it would have been here.
import { beforeAll, expect, test } from 'vitest'
import { assignItemIds } from '#shared/itemids/assign-item-ids.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { schemes } from '#shared/itemids/item-ids.ts'
import { createPlacer } from '#shared/itemids/place-item.ts'
import { modelFiles, readModel } from '#shared/recommendations/model-files.ts'
import type { TrainedModel } from '#shared/recommendations/trained-model.ts'
import { smallInput, smallItems } from '#test/shared/itemids/schemes/small-catalogue.ts'
import { smallModel } from '#test/support/small-release.ts'
import { useBackend } from '#test/support/tensorflow.ts'

let trained: TrainedModel
beforeAll(async () => {
  await useBackend('cpu')
  trained = smallModel(smallItems.map(({ key }) => key))
})

test.each(schemes)('%s', scheme => {
  const assigned = assignItemIds(scheme, smallInput())

  const read = readModel(modelFiles({ ...trained, ...assigned }))

  expect(read.itemIds).toEqual(assigned.itemIds)
  expect(read.placing).toEqual(assigned.placing)
  const twin = { item: { ...smallItems[4]!, key: 'twin' }, number: 60 }
  const newItem = { ...twin, vector: smallInput().vectors.slice(4 * 8, 5 * 8) }
  expect(createPlacer(read.itemIds, read.placing).place(newItem, buildTrie(read.itemIds))).toEqual(
    createPlacer(assigned.itemIds, assigned.placing).place(newItem, buildTrie(assigned.itemIds))
  )
})
