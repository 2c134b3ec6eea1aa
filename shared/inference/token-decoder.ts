// The token decoder at serving time: the arithmetic of shared/model/decoder.ts on plain arrays. A
// step gathers the children of one node and scores them against the state, so that its cost does
// not grow with the catalogue. A test holds it to the TF.js form.
import type { Trie } from '#shared/itemids/trie.ts'
import type { CodeScorer } from './code-scorer.ts'
import type { NodeMoments } from './node-moments.ts'

/** Row-major weights of the decoder, see initialDecoder. */
export interface DecoderWeights {
  /** [D, D] */
  readonly session: Float32Array
  /** [D, D] */
  readonly node: Float32Array
  /** [depth, D] */
  readonly level: Float32Array
  /** [D, D] */
  readonly output: Float32Array
}

export interface TokenDecoder {
  readonly trie: Trie
  readonly moments: NodeMoments
  readonly weights: DecoderWeights
  /** [inner nodes, D] what the correction reads of each node, W_n mean + b_level: fixed per release. */
  readonly nodeParts: Float32Array
}

export function createTokenDecoder(
  trie: Trie,
  moments: NodeMoments,
  weights: DecoderWeights
): TokenDecoder {
  const D = moments.width
  const inner = trie.levelStarts[trie.depth]!
  const nodeParts = new Float32Array(inner * D)
  for (let level = 0; level < trie.depth; level++) {
    for (let node = trie.levelStarts[level]!; node < trie.levelStarts[level + 1]!; node++) {
      const mean = moments.means.subarray(node * D, (node + 1) * D)
      // The root stands for no prefix: the decoder reads zeros there.
      const part = level === 0 ? new Float32Array(D) : multiply(mean, weights.node)
      for (let d = 0; d < D; d++) part[d]! += weights.level[level * D + d]!
      nodeParts.set(part, node * D)
    }
  }
  return { trie, moments, weights, nodeParts }
}

/** A scorer of codes for one session state [D]. */
export function decodeSession(decoder: TokenDecoder, session: Float32Array): CodeScorer {
  const { trie, moments, weights } = decoder
  const sessionPart = multiply(session, weights.session)
  const inner = trie.levelStarts[trie.depth]!
  return {
    scoreChildren(node, children, scores) {
      const state = stateAt(decoder, session, sessionPart, node)
      children.forEach((child, c) => {
        const linear = moments.logCounts[child]! + dot(state, moments.means, child * moments.width)
        scores[c] = child < inner ? linear + halfVariance(moments, child, state) : linear
      })
    }
  }
}

/** h + W_o gelu(W_s h + W_n mean + b_level). */
function stateAt(
  { moments, weights, nodeParts }: TokenDecoder,
  session: Float32Array,
  sessionPart: Float32Array,
  node: number
): Float32Array {
  const D = moments.width
  const hidden = new Float32Array(D)
  for (let d = 0; d < D; d++) {
    const sum = sessionPart[d]! + nodeParts[node * D + d]!
    hidden[d] = sum / (1 + Math.exp(-1.702 * sum))
  }
  const state = multiply(hidden, weights.output)
  for (let d = 0; d < D; d++) state[d]! += session[d]!
  return state
}

/** 1/2 s' Cov s of an inner node. */
function halfVariance(moments: NodeMoments, node: number, state: Float32Array): number {
  const { width: D, rank, diagonals, directions } = moments
  let variance = 0
  for (let d = 0; d < D; d++) variance += state[d]! * state[d]! * diagonals[node * D + d]!
  for (let r = 0; r < rank; r++) variance += dot(state, directions, (node * rank + r) * D) ** 2
  return variance / 2
}

/** vector [I] times matrix [I, O] row-major. */
function multiply(vector: Float32Array, matrix: Float32Array): Float32Array {
  const columns = matrix.length / vector.length
  const product = new Float32Array(columns)
  for (let row = 0; row < vector.length; row++) {
    const value = vector[row]!
    const start = row * columns
    for (let c = 0; c < columns; c++) product[c]! += value * matrix[start + c]!
  }
  return product
}

/** Product of a vector with the numbers of a matrix from `start` on. */
export function dot(vector: Float32Array, matrix: Float32Array, start: number): number {
  let sum = 0
  for (let d = 0; d < vector.length; d++) sum += vector[d]! * matrix[start + d]!
  return sum
}
