import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { encodeCatalog } from '#services/trainer/encode-catalog.ts'
import { encodeItems } from '#shared/model/model.ts'
import type { NamedArrays } from '#shared/model/safetensors.ts'
import { embedBags, lookupsOf } from '#shared/model/unified-embedding.ts'
import { takenFrom, tensorsOf } from '#shared/model/weights.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { expectClose, useBackend } from '#test/support/tensorflow.ts'
import { tinyConfig, tinyItems, tinyLookups, tinyWeights } from '#test/support/tiny-model.ts'
import { tinyTrainingSet } from '#test/support/tiny-training.ts'

beforeAll(() => useBackend('cpu'))

const { width } = tinyConfig

describe('encodeCatalog', () => {
  test('gives clicked items their keys, and leaves those of others out', () => {
    const set = tinyTrainingSet([[0, 1, 5, 8]], 9)
    const weights = takenFrom(tinyWeights(1))

    const vectors = encodeCatalog(set, tinyConfig, weights)

    const isClicked = tf.tensor2d([1, 1, 0, 0, 0, 1, 0, 0, 1], [9, 1])
    const tensors = tensorsOf(weights)
    expectClose(vectors, encodeItems(tensors, tinyConfig, tinyItems(tensors), isClicked))
    const whole = encodeItems(tensors, tinyConfig, tinyItems(tensors)).dataSync()
    expect(vectors.slice(2 * width, 3 * width)).not.toEqual(whole.slice(2 * width, 3 * width))
  })

  test('encodes an item behind many thousands as it does alone', () => {
    const itemCount = (1 << 15) + 3 // a block of items, and three of the next one
    const { set, weights } = largeSet(itemCount)

    const vectors = encodeCatalog(set, tinyConfig, weights)

    const some = Int32Array.of(0, (1 << 15) - 1, 1 << 15, itemCount - 1)
    const alone = encodeCatalog(
      {
        columns: set.columns,
        metadata: lookupsOf(set.metadata, set.columns, some),
        key: lookupsOf(set.key, 2, some),
        itemKeys: Array.from(some, String),
        clicks: some.map(item => set.clicks[item]!)
      },
      tinyConfig,
      weights
    )
    const expected = [...some].flatMap(item => [...vectors.slice(item * width, (item + 1) * width)])
    expectClose(alone, expected)
    expect(vectors).toHaveLength(itemCount * width)
  })

  test('of items without attributes is what their keys read', () => {
    const set = tinyTrainingSet([[0, 1, 2, 3]], 4)
    const nothing = { rows: Int32Array.of(), weights: Float32Array.of(), starts: Int32Array.of(0) }
    const table = {
      shape: [set.reachedRows.length, 4],
      values: normals(set.reachedRows.length * 4)
    }

    const vectors = encodeCatalog(
      { ...set, columns: 0, metadata: nothing },
      { ...tinyConfig, columns: 0 },
      { table }
    )

    expect(vectors).toEqual(embedBags(table.values, 4, set.key))
  })

  test('leaves no tensor behind', () => {
    const [set, weights] = [tinyTrainingSet([[0, 1, 5, 8]], 9), takenFrom(tinyWeights(1))]
    const before = tf.memory().numTensors

    encodeCatalog(set, tinyConfig, weights)

    expect(tf.memory().numTensors).toBe(before)
  })
})

function largeSet(itemCount: number) {
  const { metadata, key, rows } = tinyLookups(itemCount)
  const table = { shape: [rows.length, 4], values: normals(rows.length * 4) }
  const weights: NamedArrays = { ...takenFrom(tinyWeights(1)), table }
  const set = {
    columns: tinyConfig.columns,
    metadata,
    key,
    itemKeys: Array.from({ length: itemCount }, (_, i) => `item ${i}`),
    clicks: Int32Array.from({ length: itemCount }, (_, i) => i % 2)
  }
  return { set, weights }
}

function normals(length: number): Float32Array {
  const random = createRandom(7)
  return Float32Array.from({ length }, () => random.normal())
}
