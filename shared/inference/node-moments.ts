// Count, mean and low-rank covariance of the item vectors below each node of the trie: what an inner
// node is scored by (shared/model/decoder.ts). A diagonal takes up the variance that the directions
// leave. Four directions closed most of the gap between scoring by means alone and the dense head.
import type { Trie } from '#shared/itemids/trie.ts'

export interface NodeMoments {
  /** D */
  readonly width: number
  /** Q: directions of the covariance. */
  readonly rank: number
  /** [nodes] */
  readonly logCounts: Float32Array
  /** [nodes, D]; a leaf's mean is its item's vector. */
  readonly means: Float32Array
  /** [inner nodes, Q, D]: each direction times its standard deviation. */
  readonly directions: Float32Array
  /** [inner nodes, D] */
  readonly diagonals: Float32Array
}

const covarianceRank = 4
/** Rounds of the power iteration; the directions need not be exact, the diagonal takes the rest. */
const powerRounds = 12

/** Without the leaves, whose means are the items' vectors: what is stored of a release. */
export function innerMoments(trie: Trie, moments: NodeMoments): NodeMoments {
  const inner = trie.levelStarts[trie.depth]!
  return {
    ...moments,
    logCounts: moments.logCounts.slice(0, inner),
    means: moments.means.slice(0, inner * moments.width)
  }
}

/** @param vectors [items, D] row-major. */
export function nodeMoments(trie: Trie, vectors: Float32Array, width: number): NodeMoments {
  const nodes = trie.parent.length
  const inner = trie.levelStarts[trie.depth]!
  const moments = {
    width,
    rank: covarianceRank,
    logCounts: Float32Array.from(trie.parent, (_, node) => Math.log(trie.itemCountOf(node))),
    means: new Float32Array(nodes * width),
    directions: new Float32Array(inner * covarianceRank * width),
    diagonals: new Float32Array(inner * width)
  }
  const below = itemsBelow(trie)
  for (let node = 0; node < nodes; node++) {
    const items = below(node)
    const mean = moments.means.subarray(node * width, (node + 1) * width)
    for (const item of items) {
      for (let d = 0; d < width; d++) mean[d]! += vectors[item * width + d]! / items.length
    }
    if (node >= inner || items.length < 2) continue
    const centred = centre(vectors, items, mean)
    const diagonal = moments.diagonals.subarray(node * width, (node + 1) * width)
    for (let r = 0; r < Math.min(covarianceRank, items.length - 1); r++) {
      const start = (node * covarianceRank + r) * width
      const direction = moments.directions.subarray(start, start + width)
      leadingDirection(centred, width, direction)
    }
    for (let i = 0; i < centred.length; i++) diagonal[i % width]! += centred[i]! ** 2 / items.length
  }
  return moments
}

/** Items of a node, found by walking to the leaves: they stand side by side in the last level. */
function itemsBelow(trie: Trie): (node: number) => Int32Array {
  return node => {
    let first = node
    while (first < trie.itemCount.length) first = trie.firstChild[first]!
    const place = first - trie.itemCount.length
    return trie.item.subarray(place, place + trie.itemCountOf(node))
  }
}

function centre(vectors: Float32Array, items: Int32Array, mean: Float32Array): Float64Array {
  const width = mean.length
  const centred = new Float64Array(items.length * width)
  items.forEach((item, i) => {
    for (let d = 0; d < width; d++) centred[i * width + d] = vectors[item * width + d]! - mean[d]!
  })
  return centred
}

/**
 * Finds the direction of largest variance by power iteration, writes it times its standard
 * deviation, and takes it out of the vectors. Writes zeros when no variance is left.
 */
function leadingDirection(centred: Float64Array, width: number, direction: Float32Array): void {
  const count = centred.length / width
  let axis = longestRow(centred, width)
  if (!normalise(axis)) return
  for (let round = 0; round < powerRounds; round++) {
    const next = new Float64Array(width)
    for (let i = 0; i < count; i++) {
      const along = dot(centred, i, axis)
      for (let d = 0; d < width; d++) next[d]! += along * centred[i * width + d]!
    }
    if (!normalise(next)) return
    axis = next
  }
  let variance = 0
  for (let i = 0; i < count; i++) {
    const along = dot(centred, i, axis)
    variance += along ** 2 / count
    for (let d = 0; d < width; d++) centred[i * width + d]! -= along * axis[d]!
  }
  for (let d = 0; d < width; d++) direction[d] = axis[d]! * Math.sqrt(variance)
}

/** A start that no symmetry of the vectors can make orthogonal to all of them. */
function longestRow(centred: Float64Array, width: number): Float64Array {
  let [best, longest] = [0, -1]
  for (let i = 0; i * width < centred.length; i++) {
    const row = centred.subarray(i * width, (i + 1) * width)
    const length = row.reduce((sum, value) => sum + value * value, 0)
    if (length > longest) [best, longest] = [i, length]
  }
  return centred.slice(best * width, (best + 1) * width)
}

function dot(centred: Float64Array, row: number, axis: Float64Array): number {
  let sum = 0
  for (let d = 0; d < axis.length; d++) sum += centred[row * axis.length + d]! * axis[d]!
  return sum
}

/** Scales to length one. @returns false, unchanged, when the length is zero. */
function normalise(vector: Float64Array): boolean {
  const length = Math.hypot(...vector)
  if (length < 1e-12) return false
  for (let d = 0; d < vector.length; d++) vector[d]! /= length
  return true
}
