import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { codeLoss, rootLoss, rootTensors } from '#services/trainer/code-loss.ts'
import { type NodeMoments, nodeMoments } from '#shared/inference/node-moments.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { assignResidualKmeans } from '#shared/itemids/residual-kmeans.ts'
import type { Trie } from '#shared/itemids/trie.ts'
import { levelScores } from '#shared/model/decoder.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { expectClose, normalTensor, useBackend } from '#test/support/tensorflow.ts'

beforeAll(() => useBackend('cpu'))

const [itemCount, D] = [60, 5]
const random = createRandom(3)
const vectors = Float32Array.from({ length: itemCount * D }, () => random.normal())
const trie = buildTrie(assignResidualKmeans(vectors, D, createRandom(1)).itemIds)
const model = { trie, moments: nodeMoments(trie, vectors, D) }

describe('codeLoss', () => {
  test.each([1, 2, 3])(
    'is the cross-entropy of level %i by TF.js, and so is its gradient',
    level => {
      const next = everyNode(level)
      const nodes = next.map(node => trie.parent[node]!)
      const states = normalTensor<tf.Tensor2D>([next.length, D], level)
      const byHand = (x: tf.Tensor) => codeLoss(model, x as tf.Tensor2D, nodes, next)
      const byTensors = (x: tf.Tensor) => lossByTensors(x as tf.Tensor2D, nodes, next)

      expectSame(byHand, byTensors, states)
    }
  )

  test('of the root is the same by products of matrices', () => {
    const next = everyNode(1)
    const states = normalTensor<tf.Tensor2D>([next.length, D], 1)
    const byLoops = (x: tf.Tensor) =>
      codeLoss(model, x as tf.Tensor2D, new Int32Array(next.length), next)
    const byProducts = (x: tf.Tensor) => rootLoss(rootTensors(model), x as tf.Tensor2D, next)

    expectSame(byProducts, byLoops, states)
  })

  test('of the root is the same where its children are leaves', () => {
    const codes = Int32Array.from({ length: itemCount }, (_, item) => item)
    const leaves = buildTrie({ scheme: 'independent', depth: 1, levelSizes: [itemCount], codes })
    const shallow = { trie: leaves, moments: nodeMoments(leaves, vectors, D) }
    const next = Int32Array.of(4, 60, 1)
    const states = normalTensor<tf.Tensor2D>([3, D], 1)
    const byLoops = (x: tf.Tensor) => codeLoss(shallow, x as tf.Tensor2D, new Int32Array(3), next)
    const byProducts = (x: tf.Tensor) => rootLoss(rootTensors(shallow), x as tf.Tensor2D, next)

    expectSame(byProducts, byLoops, states)
  })

  test('scales its gradient with what comes from above', () => {
    const next = everyNode(3)
    const nodes = next.map(node => trie.parent[node]!)
    const states = normalTensor<tf.Tensor2D>([next.length, D], 1)
    const loss = (x: tf.Tensor) => codeLoss(model, x as tf.Tensor2D, nodes, next)

    const thrice = tf.grad(x => tf.mul(3, loss(x)))(states)

    expectClose(thrice, tf.mul(3, tf.grad(loss)(states)), 1e-6)
  })

  test('of an only child is zero, and pulls at nothing', () => {
    const single = buildTrie({ scheme: 'random', depth: 2, levelSizes: [2, 1], codes: Int32Array.of(0, 0, 1, 0) }) // biome-ignore format: one line
    const moments = nodeMoments(single, vectors.subarray(0, 2 * D), D)
    const states = normalTensor<tf.Tensor2D>([1, D], 1)
    const loss = (x: tf.Tensor) =>
      codeLoss({ trie: single, moments }, x as tf.Tensor2D, Int32Array.of(2), Int32Array.of(4))

    expectClose(loss(states), [0])
    expectClose(tf.grad(loss)(states), tf.zeros([1, D]), 0)
  })
})

type Loss = (states: tf.Tensor) => tf.Tensor

/** The same loss and gradient, of which some is not next to nothing. */
function expectSame(actual: Loss, expected: Loss, states: tf.Tensor2D): void {
  const [found, wanted] = [actual, expected].map(loss => tf.valueAndGrad(loss)(states))

  expectClose(found!.value, wanted!.value, 1e-5)
  expectClose(found!.grad, wanted!.grad, 1e-5)
  expect(Math.max(...tf.abs(wanted!.grad).dataSync())).toBeGreaterThan(0.01)
}

function everyNode(level: number): Int32Array {
  const [first, end] = [trie.levelStarts[level]!, trie.levelStarts[level + 1]!]
  return Int32Array.from({ length: end - first }, (_, place) => first + place)
}

/** The same from the scores of all nodes of the level, with all but the siblings masked out. */
function lossByTensors(states: tf.Tensor2D, nodes: Int32Array, next: Int32Array): tf.Scalar {
  const level = levelOf(trie, next[0]!)
  const [first, end] = [trie.levelStarts[level]!, trie.levelStarts[level + 1]!]
  const scores = levelScores(states, tensorsOf(model.moments, first, end, level < trie.depth))
  const isSibling = Array.from(nodes, node =>
    Array.from({ length: end - first }, (_, place) => Number(trie.parent[first + place] === node))
  )
  const masked = tf.where(tf.tensor2d(isSibling, undefined, 'bool'), scores, -1e9)
  const own = tf.oneHot(
    tf.tensor1d(
      next.map(node => node - first),
      'int32'
    ),
    end - first
  )
  return tf.neg(tf.mean(tf.sum(tf.mul(own, tf.logSoftmax(masked)), -1))) as tf.Scalar
}

function levelOf({ levelStarts }: Trie, node: number): number {
  return levelStarts.findIndex((_, level) => node < levelStarts[level + 1]!)
}

function tensorsOf(moments: NodeMoments, first: number, end: number, isInner: boolean) {
  const rows = (values: Float32Array, stride: number, offset: number) => {
    const at = (row: number) => ((first + row) * stride + offset) * D
    const row = (r: number) => Array.from(values.subarray(at(r), at(r) + D))
    return tf.tensor2d(Array.from({ length: end - first }, (_, r) => row(r)))
  }
  const means = rows(moments.means, 1, 0)
  const logCounts = tf.tensor1d(moments.logCounts.slice(first, end))
  if (!isInner) return { logCounts, means }
  const Q = moments.rank
  const directions = Array.from({ length: Q }, (_, q) => rows(moments.directions, Q, q))
  return { logCounts, means, covariance: { directions, diagonal: rows(moments.diagonals, 1, 0) } }
}
