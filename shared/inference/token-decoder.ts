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
  /** [D, D] the output weights by column, so that each number of a state is one product. */
  readonly outputColumns: Float32Array
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
  return { trie, moments, weights, nodeParts, outputColumns: transposed(weights.output, D) }
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
  { moments, outputColumns, nodeParts }: TokenDecoder,
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
  const state = new Float32Array(D)
  for (let d = 0; d < D; d++) state[d] = session[d]! + dot(hidden, outputColumns, d * D)
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

function transposed(matrix: Float32Array, width: number): Float32Array {
  return matrix.map((_, i) => matrix[(i % width) * width + Math.floor(i / width)]!)
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

/**
 * Product of a vector with the numbers of a matrix from `start` on. Four sums side by side, since one
 * would wait for each addition before the next.
 */
export function dot(vector: Float32Array, matrix: Float32Array, start: number): number {
  const whole = vector.length & ~3
  let [a, b, c, e] = [0, 0, 0, 0]
  for (let d = 0; d < whole; d += 4) {
    a += vector[d]! * matrix[start + d]!
    b += vector[d + 1]! * matrix[start + d + 1]!
    c += vector[d + 2]! * matrix[start + d + 2]!
    e += vector[d + 3]! * matrix[start + d + 3]!
  }
  for (let d = whole; d < vector.length; d++) a += vector[d]! * matrix[start + d]!
  return a + b + c + e
}
