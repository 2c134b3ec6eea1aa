import type * as tf from '@tensorflow/tfjs-core'
import { beforeAll, expect, test } from 'vitest'
import { itemGraph } from '#shared/graphs/item-graph.ts'
import { openGraph } from '#shared/graphs/open-graph.ts'
import { encodeItems } from '#shared/model/model.ts'
import { arraysOf } from '#shared/model/weights.ts'
import { expectClose, normalTensor, useBackend } from '#test/support/tensorflow.ts'
import { tinyConfig, tinyWeights } from '#test/support/tiny-model.ts'

const { width, rowWidth, columns } = tinyConfig
const count = 7

beforeAll(() => useBackend('cpu'))

const arrayOf = (tensor: tf.Tensor) => ({
  shape: tensor.shape,
  values: tensor.dataSync() as Float32Array
})

test('the item graph computes what training does', async () => {
  const key = normalTensor<tf.Tensor2D>([count, width], 1)
  const metadata = normalTensor<tf.Tensor2D>([count, columns * rowWidth], 2)
  const graph = await openGraph('item', itemGraph(tinyConfig, arraysOf(tinyWeights(3))))

  const vectors = await graph.run({ key: arrayOf(key), metadata: arrayOf(metadata) })

  expectClose(vectors, encodeItems(tinyWeights(3), tinyConfig, { metadata, key }), 1e-5)
})

test('without features an item is its key', async () => {
  const key = normalTensor<tf.Tensor2D>([count, width], 1)
  const bare = { ...tinyConfig, columns: 0 }
  const graph = await openGraph('item', itemGraph(bare, arraysOf(tinyWeights(3))))

  expect(await graph.run({ key: arrayOf(key) })).toEqual(key.dataSync())
})
