// Generation under the IDs of every scheme, whatever their depth and however they are filled up.
import { expect, test } from 'vitest'
import { nodeMoments } from '#shared/inference/node-moments.ts'
import { createTokenDecoder } from '#shared/inference/token-decoder.ts'
import { assignItemIds } from '#shared/itemids/assign-item-ids.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { schemes } from '#shared/itemids/item-ids.ts'
import { generate } from '#shared/recommendations/rank.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { smallInput, smallItems } from '#test/shared/itemids/schemes/small-catalogue.ts'

test.each(schemes)('%s gives every allowed item once, and both searches agree', scheme => {
  const { vectors, width } = smallInput()
  const { itemIds } = assignItemIds(scheme, smallInput())
  const trie = buildTrie(itemIds)
  const random = createRandom(3)
  const normal = (length: number) => Float32Array.from({ length }, () => random.normal() / 4)
  const decoder = createTokenDecoder(trie, nodeMoments(trie, vectors, width), {
    session: normal(width * width),
    node: normal(width * width),
    level: normal(trie.depth * width),
    output: normal(width * width)
  })
  const question = { state: normal(width), excluded: new Set([3, 58]), count: smallItems.length }

  const byBeam = generate({ decoder }, question)
  const exact = generate({ decoder, generation: { search: 'exact', width: 60 } }, question)

  expect(exact).toEqual(byBeam)
  expect(byBeam.toSorted((a, b) => a - b)).toEqual(
    smallItems.flatMap((_, item) => (question.excluded.has(item) ? [] : [item]))
  )
})
