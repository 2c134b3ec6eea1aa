// The token decoder at serving time: the arithmetic of shared/model/decoder.ts on memory that all
// threads share. A step scores the children of one node against the state where they lie, so that its
// cost does not grow with the catalogue. A test holds it to the TF.js form.
import { type Children, childAt, type Trie, type TrieView } from '#shared/itemids/trie.ts'
import type { CodeScorer } from './code-scorer.ts'
import {
  allocateDecoder,
  childrenPerCall,
  type DecoderMemory,
  type DecoderPlaces,
  decoderPlaces,
  floatsAt,
  writeMoments
} from './decoder-memory.ts'
import { type ItemVectors, rowsByNumber } from './item-vectors.ts'
import type { NodeMoments } from './node-moments.ts'
import { openKernel, type VectorKernel } from './vector-kernel.ts'

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

/** One thread's decoder, over vectors in the shared memory: it works for one session at a time. */
export interface TokenDecoder extends ItemVectors {
  readonly trie: TrieView
  /** Where the moments of an inner node stand; at its own number where nothing is said. */
  readonly momentRowOf?: (node: number) => number
  readonly shared: DecoderMemory
  readonly places: DecoderPlaces
  readonly kernel: VectorKernel
}

export interface DecoderLayout {
  /** Threads that will work on it at once, this one, which takes the first seat, among them. */
  readonly seats?: number
  /** [items, D], where the moments end with the inner nodes. */
  readonly vectors?: Float32Array
  /** Where they are to stand. */
  readonly vectorRows?: ItemVectors['vectorRows']
  /** Items and inner nodes that may come later. */
  readonly room?: DecoderRoom
}

export interface DecoderRoom {
  readonly items: number
  readonly innerNodes: number
}

/** Lays a decoder out in new memory. */
export function createTokenDecoder(
  trie: Trie,
  moments: NodeMoments,
  weights: DecoderWeights,
  { seats = 1, vectors, vectorRows, room = { items: 0, innerNodes: 0 } }: DecoderLayout = {}
): TokenDecoder {
  const { width, rank } = moments
  const nodes = trie.levelStarts[trie.depth]!
  const innerNodes = nodes + room.innerNodes
  const shape = { width, rank, innerNodes, items: trie.leaf.length + room.items }
  const shared = allocateDecoder(shape, seats)
  writeMoments(shared, moments, nodes)
  const decoder = { ...openTokenDecoder(trie, shared, 0), vectorRows }
  trie.leaf.forEach((leaf, item) => {
    const [source, place] = vectors ? [vectors, item] : [moments.means, leaf]
    if (place < 0) return
    const row = (vectorRows ?? rowsByNumber).of(item)
    decoder.vectors.set(source.subarray(place * width, (place + 1) * width), row * width)
  })
  writeByColumn(weights.session, floatsAt(shared, decoder.places.session, width ** 2))
  writeByColumn(weights.output, floatsAt(shared, decoder.places.output, width ** 2))
  writeNodeParts(decoder, trie, moments, weights)
  return decoder
}

/** The decoder as one more thread sees it. @param seat below `seats`, and nobody else's. */
export function openTokenDecoder(
  trie: TrieView,
  shared: DecoderMemory,
  seat: number
): TokenDecoder {
  const places = decoderPlaces(shared, seat)
  return {
    trie,
    shared,
    places,
    kernel: openKernel(shared.memory),
    vectors: floatsAt(shared, places.vectors, shared.items * shared.width)
  }
}

function writeByColumn(matrix: Float32Array, columns: Float32Array): void {
  const D = Math.sqrt(matrix.length)
  for (let i = 0; i < matrix.length; i++) columns[(i % D) * D + Math.floor(i / D)] = matrix[i]!
}

function writeNodeParts(
  { shared, places }: TokenDecoder,
  trie: Trie,
  { width: D, means }: NodeMoments,
  weights: DecoderWeights
): void {
  const parts = floatsAt(shared, places.nodeParts, shared.innerNodes * D)
  for (let level = 0; level < trie.depth; level++) {
    for (let node = trie.levelStarts[level]!; node < trie.levelStarts[level + 1]!; node++) {
      const part = parts.subarray(node * D, (node + 1) * D)
      writeNodePart(weights, level, means.subarray(node * D, (node + 1) * D), part)
    }
  }
}

/** W_n mean + b_level of a node. @param part [D] where it is written. */
export function writeNodePart(
  { node: matrix, level: biases }: Pick<DecoderWeights, 'node' | 'level'>,
  level: number,
  mean: Float32Array,
  part: Float32Array
): void {
  const D = mean.length
  part.set(biases.subarray(level * D, (level + 1) * D))
  // The root stands for no prefix: the decoder reads zeros there.
  if (level > 0) addProduct(mean, matrix, part)
}

/** Adds vector [I] times matrix [I, O] to `sum` [O]. */
function addProduct(vector: Float32Array, matrix: Float32Array, sum: Float32Array): void {
  const columns = sum.length
  for (let row = 0; row < vector.length; row++) {
    const value = vector[row]!
    for (let c = 0; c < columns; c++) sum[c]! += value * matrix[row * columns + c]!
  }
}

/**
 * A scorer of codes for one session state [D]. The decoder has one place for it: a second session's
 * scorer ends the first one's.
 */
export function decodeSession(decoder: TokenDecoder, session: Float32Array): CodeScorer {
  const { trie, shared, places, kernel } = decoder
  const { momentRowOf = itself, vectorRows = rowsByNumber } = decoder
  const { width: D, rank, innerNodes } = shared
  const rowBytes = 4 * D
  const at = (place: number, count = D) => floatsAt(shared, place, count)
  const logCounts = at(places.logCounts, innerNodes)
  const results = at(places.scores, childrenPerCall)
  const indices = new Int32Array(shared.memory.buffer, places.indices, childrenPerCall)
  at(places.ownSession).set(session)
  writeSessionPart()

  /** W_s h, with W_s by column. */
  function writeSessionPart(): void {
    const { ownSession, session: columns, indices: list, sessionPart } = places
    for (let d = 0; d < D; d++) indices[d] = d
    kernel.dots(ownSession, columns, rowBytes, rowBytes, list, D, sessionPart)
  }

  /** h + W_o gelu(W_s h + W_n mean + b_level), and its squares. */
  function writeState(node: number): void {
    const { sessionPart, nodeParts, ownSession, output, hidden, state, squares } = places
    const nodePart = nodeParts + momentRowOf(node) * rowBytes
    kernel.decoderState(sessionPart, nodePart, ownSession, output, rowBytes, hidden, state, squares)
  }

  function scoreLeaves(leaves: Children, start: number, end: number, scores: Float64Array): void {
    for (let c = start; c < end; c++) {
      const leaf = childAt(leaves, c)
      indices[c - start] = vectorRows.ofLeaf(leaf, trie.itemOf(leaf))
    }
    const { state, vectors, indices: list, scores: out } = places
    kernel.dots(state, vectors, rowBytes, rowBytes, list, end - start, out)
    for (let c = start; c < end; c++) scores[c] = results[c - start]!
  }

  function scoreInner(nodes: Children, start: number, end: number, scores: Float64Array): void {
    for (let c = start; c < end; c++) indices[c - start] = momentRowOf(childAt(nodes, c))
    const { state, moments, indices: list, scores: out, squares } = places
    const stride = (2 + rank) * rowBytes
    kernel.gaussians(state, moments, stride, rowBytes, list, end - start, out, squares)
    // The kernel leaves the list of rows as it was.
    for (let c = start; c < end; c++)
      scores[c] = results[c - start]! + logCounts[indices[c - start]!]!
  }

  return {
    scoreChildren(node, children, scores) {
      writeState(node)
      const areLeaves = trie.itemOf(childAt(children, 0)) >= 0 // all are of one level
      const score = areLeaves ? scoreLeaves : scoreInner
      for (let start = 0; start < children.count; start += childrenPerCall) {
        score(children, start, Math.min(start + childrenPerCall, children.count), scores)
      }
    }
  }
}

function itself(node: number): number {
  return node
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
