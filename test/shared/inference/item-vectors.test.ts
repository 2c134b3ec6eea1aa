import { beforeAll, describe, expect, test } from 'vitest'
import { rowsInOrderOf, type VectorRows } from '#shared/inference/item-vectors.ts'
import type { Trie } from '#shared/itemids/trie.ts'
import { TrieWriter } from '#shared/itemids/trie-writer.ts'
import { rankingOf } from '#shared/recommendations/load-model.ts'
import { rank } from '#shared/recommendations/rank.ts'
import { type TrainedModel, trieOf } from '#shared/recommendations/trained-model.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { smallModel } from '#test/support/small-release.ts'
import { useBackend } from '#test/support/tensorflow.ts'

const itemCount = 60
let trained: TrainedModel
let trie: Trie
let rows: VectorRows

beforeAll(async () => {
  await useBackend('cpu')
  trained = smallModel(Array.from({ length: itemCount }, (_, i) => `item ${i}`))
  trie = trieOf(trained)
  rows = rowsInOrderOf(trie)
})

describe('rows in the order of a trie', () => {
  test('are those of its leaves, one after the other; what comes later follows', () => {
    const items = Array.from({ length: itemCount }, (_, row) => trie.item[row]!)

    expect(items).not.toEqual([...items].sort((a, b) => a - b)) // or the test would prove nothing
    expect(items.map(rows.of)).toEqual([...items.keys()])
    expect([itemCount, itemCount + 5].map(rows.of)).toEqual([itemCount, itemCount + 5])
  })

  test('stay where they are when leaves get other numbers', () => {
    const { depth } = trained.itemIds
    const writer = new TrieWriter(trie)
    writer.removeAll(Array.from({ length: itemCount / 3 }, (_, i) => 3 * i))
    const newId = new Array(depth).fill(0)
    newId[depth - 1] = 1000
    writer.insert(itemCount, newId)
    writer.fold()

    const { view } = writer
    const held = Array.from({ length: itemCount + 1 }, (_, item) => item).filter(
      item => view.leafOf(item) >= 0
    )
    expect(held.map(item => view.leafOf(item))).not.toEqual(held.map(item => trie.leafOf(item)))
    for (const item of held) expect(rows.ofLeaf(view.leafOf(item), item)).toBe(rows.of(item))
  })
})

test('answers are the same in whatever order vectors stand', () => {
  const random = createRandom(3)
  const byNumber = rankingOf(trained)
  const inOrder = rankingOf(trained, { vectorRows: rows })
  const { width } = trained.config

  for (let n = 0; n < 20; n++) {
    const question = {
      state: Float32Array.from({ length: width }, random.normal),
      clicked: Int32Array.from({ length: 3 }, () => random.integer(itemCount)),
      excluded: [random.integer(itemCount)],
      count: 10
    }
    expect(rank(inOrder, question)).toEqual(rank(byNumber, question))
  }
})
