import { expect, test } from 'vitest'
import { deriveFeatures } from '#shared/catalog/derive-features.ts'
import type { AttributeValue, Item } from '#shared/catalog/item.ts'
import {
  describeItems,
  fitContentSimilarity,
  indexContent
} from '#shared/recommendations/content-similarity.ts'
import type { Neighbours } from '#shared/recommendations/neighbours.ts'

const shop = [
  { brand: 'Ironworks', title: 'heavy red iron pot' },
  { brand: 'Ironworks', title: 'small black iron pan' },
  { brand: 'Meadow', title: 'red linen summer dress' },
  { brand: 'Meadow', title: 'long blue linen skirt' },
  { brand: 'Meadow', title: 'heavy garden rake tool' }
].map(itemOf)
const features = deriveFeatures(shop)
const none = () => false

test('items that say the same rare things are the most similar', () => {
  const similarity = fitContentSimilarity(describeItems(shop, features), none)

  expect(rowOf(similarity, 0).map(({ item }) => item)[0]).toBe(1) // brand and iron
  expect(rowOf(similarity, 2).map(({ item }) => item)[0]).toBe(3) // brand and linen
})

test('similarity is the cosine of the values, weighted by how rare they are', () => {
  const labels = [{ tags: ['a', 'b'] }, { tags: ['a'] }, { tags: ['b', 'c'] }].map(itemOf)
  const similarity = fitContentSimilarity(describeItems(labels, deriveFeatures(labels)), none)

  const [a, b, c] = [Math.log(1 + 3 / 2), Math.log(1 + 3 / 2), Math.log(1 + 3)]
  expect(rowOf(similarity, 0)).toEqual([
    { item: 1, similarity: expect.closeTo(a / Math.hypot(a, b)) },
    { item: 2, similarity: expect.closeTo((b * b) / (Math.hypot(a, b) * Math.hypot(b, c))) }
  ])
})

test('an item without attributes, and one that shares no value, have no neighbours', () => {
  const odd = [itemOf({ brand: 'a' }), itemOf({ brand: 'b' }), itemOf({}), itemOf({ brand: 'a' })]
  const similarity = fitContentSimilarity(describeItems(odd, deriveFeatures(odd)), none)

  expect([0, 1, 2, 3].map(item => rowOf(similarity, item).length)).toEqual([1, 0, 0, 1])
})

test('a hundred neighbours are kept, and twenty new ones beside them', () => {
  const many = Array.from({ length: 301 }, (_, n) =>
    itemOf({ tags: ['x', n % 2 ? 'odd' : 'even'] })
  )
  const isNew = (item: number) => item > 250 && item % 2 === 1

  const similarity = fitContentSimilarity(describeItems(many, deriveFeatures(many)), isNew)

  const row = rowOf(similarity, 0).map(({ item }) => item) // the even ones are nearer
  expect(row).toHaveLength(120)
  expect(row.filter(isNew)).toHaveLength(20)
})

test('a value that a thousand items have finds none of them by itself', () => {
  const many = Array.from({ length: 1002 }, (_, n) => itemOf({ tags: ['x', `${n >> 1}`] }))

  const similarity = fitContentSimilarity(describeItems(many, deriveFeatures(many)), none)

  expect(rowOf(similarity, 0).map(({ item }) => item)).toEqual([1])
})

test('an item that comes later has the neighbours that it would have had', () => {
  const late = itemOf({ brand: 'Meadow', title: 'short red linen dress' })
  const described = describeItems(shop, features)

  const found = indexContent(described, none).nearest(describeItems([late], features), 0)

  expect(found[0]!.item).toBe(2)
  const itself = indexContent(described, none).nearest(describeItems([shop[2]!], features), 0)
  expect(itself[0]).toEqual({ item: 2, similarity: expect.closeTo(1) })
})

function itemOf(attributes: Record<string, AttributeValue>): Item {
  return { key: JSON.stringify(attributes), attributes, isVisible: true }
}

function rowOf({ starts, neighbours, similarities }: Neighbours, item: number) {
  const [from, to] = [starts[item]!, starts[item + 1]!]
  return Array.from({ length: to - from }, (_, n) => ({
    item: neighbours[from + n]!,
    similarity: similarities[from + n]!
  }))
}
