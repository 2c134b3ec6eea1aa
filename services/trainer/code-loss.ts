// The decoder's cross-entropy of one code, over the children of the node that a question stands at. At the
// root all questions read the same children, which are products of matrices. Below it each reads its own few,
// in plain loops, so that the cost does not grow with the catalogue: scoring whole levels took 3.5 times as
// long for a step. The scores are those of levelScores; a test holds both losses and gradients to them.
import * as tf from '@tensorflow/tfjs-core'
import type { NodeMoments } from '#shared/inference/node-moments.ts'
import { dot } from '#shared/inference/token-decoder.ts'
import { rowsOf } from '#shared/itemids/scheme.ts'
import type { Trie } from '#shared/itemids/trie.ts'
import { type LevelTensors, levelScores } from '#shared/model/decoder.ts'
import type { Save } from '#shared/model/layers.ts'
import { classCrossEntropy, itemCrossEntropy } from '#shared/model/losses.ts'

/** A trie, and what its nodes are scored by. */
export interface ScoredTrie {
  readonly trie: Trie
  readonly moments: NodeMoments
}

/** What the children of the root are scored by. @returns tensors owned by the caller. */
export function rootTensors({ trie, moments }: ScoredTrie): LevelTensors {
  const { width: D, rank: Q } = moments
  const count = trie.levelStarts[2]! - 1
  const rows = (values: Float32Array) => tf.tensor2d(values.slice(D, (count + 1) * D), [count, D])
  const means = rows(moments.means)
  const logCounts = tf.tensor1d(moments.logCounts.slice(1, count + 1))
  if (trie.depth === 1) return { logCounts, means }
  const directions = Array.from({ length: Q }, (_, q) => {
    const rowsOfChildren = Int32Array.from({ length: count }, (_, place) => (place + 1) * Q + q)
    return tf.tensor2d(rowsOf(moments.directions, D, rowsOfChildren), [count, D])
  })
  return { logCounts, means, covariance: { directions, diagonal: rows(moments.diagonals) } }
}

/** The same as codeLoss, of questions that stand at the root. */
export function rootLoss(root: LevelTensors, states: tf.Tensor2D, next: Int32Array): tf.Scalar {
  const targets = tf.tensor1d(next.map(node => node - 1), 'int32') // biome-ignore format: one line
  if (!root.covariance) return itemCrossEntropy(states, root.means, targets) // in chunks: a leaf for each item
  return classCrossEntropy(levelScores(states, root), targets)
}

/**
 * Mean of -log P(next | node) over questions, by states that the decoder has at those nodes.
 *
 * The gradient is made in the forward pass and only scaled in the backward pass: it is linear in the
 * upstream gradient, a single number.
 *
 * @param states [T, D]
 * @param nodes [T] where each question stands, an inner node; next [T] the child that its target is below.
 */
export function codeLoss(
  { trie, moments }: ScoredTrie,
  states: tf.Tensor2D,
  nodes: Int32Array,
  next: Int32Array
): tf.Scalar {
  const loss = tf.customGrad((...inputs) => {
    const save = inputs.pop() as unknown as Save
    const [asked] = inputs as [tf.Tensor2D]
    const [count, D] = asked.shape
    const values = asked.dataSync() as Float32Array
    const gradient = new Float32Array(values.length)
    const score = childScorer(trie, moments)
    let sum = 0
    for (let t = 0; t < count; t++) {
      const [start, end] = [t * D, (t + 1) * D]
      const state = values.subarray(start, end)
      sum += score(state, nodes[t]!, next[t]!, gradient.subarray(start, end))
    }
    for (let i = 0; i < gradient.length; i++) gradient[i]! /= count
    save([tf.tensor2d(gradient, [count, D])])
    return {
      value: tf.scalar(sum / count),
      gradFunc: (upstream: tf.Tensor, [saved]: tf.Tensor[]) => tf.mul(upstream, saved!)
    }
  })
  return loss(states) as tf.Scalar
}

type AddLoss = (state: Float32Array, node: number, next: number, gradient: Float32Array) => number

/** @returns the loss of one question; what it pulls its state by is added to `gradient`. */
function childScorer(trie: Trie, moments: NodeMoments): AddLoss {
  const { width: D, rank: Q, logCounts, means, directions, diagonals } = moments
  const inner = trie.levelStarts[trie.depth]!
  let scores = new Float64Array(0)

  function variance(state: Float32Array, node: number): number {
    let sum = 0
    for (let d = 0; d < D; d++) sum += state[d]! * state[d]! * diagonals[node * D + d]!
    for (let q = 0; q < Q; q++) sum += dot(state, directions, (node * Q + q) * D) ** 2
    return sum
  }

  /** Adds what the score of a node changes by with the state, weighed. */
  function pull(state: Float32Array, node: number, weight: number, gradient: Float32Array): void {
    for (let d = 0; d < D; d++) gradient[d]! += weight * means[node * D + d]!
    if (node >= inner) return
    for (let d = 0; d < D; d++) gradient[d]! += weight * state[d]! * diagonals[node * D + d]!
    for (let q = 0; q < Q; q++) {
      const start = (node * Q + q) * D
      const along = weight * dot(state, directions, start)
      for (let d = 0; d < D; d++) gradient[d]! += along * directions[start + d]!
    }
  }

  return (state, node, next, gradient) => {
    const [first, end] = [trie.firstChild[node]!, trie.firstChild[node + 1]!]
    if (scores.length < end - first) scores = new Float64Array(end - first)
    let highest = Number.NEGATIVE_INFINITY
    for (let child = first; child < end; child++) {
      const half = child < inner ? variance(state, child) / 2 : 0
      const score = logCounts[child]! + dot(state, means, child * D) + half
      scores[child - first] = score
      highest = Math.max(highest, score)
    }
    let mass = 0
    for (let child = first; child < end; child++) mass += Math.exp(scores[child - first]! - highest)
    const normaliser = highest + Math.log(mass)
    for (let child = first; child < end; child++) {
      const chance = Math.exp(scores[child - first]! - normaliser)
      const error = child === next ? chance - 1 : chance
      if (error !== 0) pull(state, child, error, gradient)
    }
    return normaliser - scores[next - first]!
  }
}
