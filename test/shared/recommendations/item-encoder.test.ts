import { beforeAll, expect, test } from 'vitest'
import { encodeCatalog } from '#services/trainer/encode-catalog.ts'
import { buildTrainingSet } from '#services/trainer/training-set.ts'
import type { Item } from '#shared/catalog/item.ts'
import { itemGraph } from '#shared/graphs/item-graph.ts'
import { initialWeights, type ModelConfig } from '#shared/model/model.ts'
import { takenFrom } from '#shared/model/weights.ts'
import { type ItemEncoder, openItemEncoder } from '#shared/recommendations/item-encoder.ts'
import { createRandom } from '#shared/runtime/random.ts'
import type { Session } from '#shared/sessions/session.ts'
import { smallRecipe } from '#test/support/small-shop.ts'
import { expectClose, useBackend } from '#test/support/tensorflow.ts'
import { tinyConfig } from '#test/support/tiny-model.ts'

const items: Item[] = Array.from({ length: 40 }, (_, i) => ({
  key: `item ${i}`,
  attributes: {
    title: `${['linen', 'silk', 'wool'][i % 3]} ${['shirt', 'skirt'][i % 2]} number ${i}`,
    categories: ['shop', `part ${i % 4}`],
    price: 5 + i,
    ...(i % 5 > 0 && { colour: `colour ${i % 7}` })
  },
  isVisible: true
}))
const session: Session = {
  sessionId: 's',
  clicks: items.slice(0, 20).map(({ key }, n) => ({ itemKey: key, type: 'click', at: n * 1000 }))
}
const split = { training: [session], validation: [session], test: [session] }
const set = buildTrainingSet(items, split, smallRecipe)
const config: ModelConfig = {
  ...tinyConfig,
  width: smallRecipe.width,
  rowWidth: smallRecipe.rowWidth,
  columns: set.columns,
  rows: set.reachedRows.length
}
let trained: Float32Array
let encoder: ItemEncoder

beforeAll(async () => {
  await useBackend('cpu')
  const weights = takenFrom(initialWeights(config, createRandom(1)))
  trained = encodeCatalog(set, config, weights)
  const rows = weights.table!.values as Float32Array
  const table = new Float32Array(rows.length + config.rowWidth)
  table.set(rows)
  const { reading, reachedRows } = set
  encoder = await openItemEncoder({
    config,
    reading,
    reachedRows,
    table,
    itemGraph: itemGraph(config, weights)
  })
  return () => encoder.close()
})

test('items have the vectors that training gave them, with their keys where these were clicked', async () => {
  const hasKey = (item: Item) => set.clicks[set.items.indexOf(item)]! > 0

  const vectors = await encoder.encode(set.items.map(item => ({ item, hasKey: hasKey(item) })))

  expectClose(vectors, trained)
  expect(set.items.filter(hasKey)).toHaveLength(20)
})

test('what training never saw is passed over', async () => {
  const known = { ...items[0]!, key: 'new' }
  const { title, categories, price } = known.attributes
  const strange = {
    ...known,
    attributes: { title: `${title} unheardof`, categories, price, material: 'unknown' }
  }
  const bare = { key: 'bare', attributes: {}, isVisible: true }

  const vectors = await encoder.encode([
    { item: known, hasKey: false },
    { item: strange, hasKey: false },
    { item: bare, hasKey: false }
  ])

  const [first, second, third] = [0, 1, 2].map(i => vectors.slice(i * 16, (i + 1) * 16))
  const cosine = first!.reduce((sum, value, d) => sum + value * second![d]!, 0)
  const length = (vector: Float32Array) => Math.hypot(...vector)
  expect(cosine / length(first!) / length(second!)).toBeGreaterThan(0.8)
  expect([...third!]).toEqual(new Array(16).fill(0))
})
