// The decoder's cross-entropy of one level, over the children of the node that each question stands at.
// A question reads these nodes alone, so that the cost does not grow with the catalogue. The scores are
// those of levelScores; a test holds loss and gradient to them.
import * as tf from '@tensorflow/tfjs-core'
import type { NodeMoments } from '#shared/inference/node-moments.ts'
import { dot } from '#shared/inference/token-decoder.ts'
import type { Trie } from '#shared/itemids/trie.ts'
import type { Save } from '#shared/model/layers.ts'

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
  { trie, moments }: { readonly trie: Trie; readonly moments: NodeMoments },
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
