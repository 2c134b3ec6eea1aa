import { describe, expect, test } from 'vitest'
import { type NodeMoments, nodeMoments } from '#shared/inference/node-moments.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import type { Trie } from '#shared/itemids/trie.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { expectClose } from '#test/support/tensorflow.ts'

describe('the moments of a small trie, computed by hand', () => {
  // Items 0 and 1 below node 1, items 2 to 4 below node 2, item 5 alone below node 3.
  const trie = trieOf([0, 0, 1, 1, 1, 2])
  const vectors = Float32Array.of(1, 0, 3, 0, 0, 0, 3, 3, 6, 6, 7, 8)
  const moments = nodeMoments(trie, vectors, 2)

  test('count the items below each node', () => {
    expectClose(moments.logCounts, [6, 2, 3, 1, 1, 1, 1, 1, 1, 1].map(Math.log))
  })

  test('have the means of inner nodes and the vectors of leaves', () => {
    expectClose(moments.means.subarray(0, 8), [20 / 6, 17 / 6, 2, 0, 3, 3, 7, 8])
    expectClose(moments.means.subarray(8), vectors)
  })

  test('have one direction where items lie on a line, and no variance beside it', () => {
    // Node 1: variance 1 along x. Node 2: variance 6 along x, along y and between them.
    expectClose(covariance(moments, 1), [1, 0, 0, 0])
    expectClose(covariance(moments, 2), [6, 6, 6, 6])
    expectClose(moments.diagonals.subarray(2, 6), [0, 0, 0, 0])
  })

  test('have no variance where there is one item', () => {
    expect(covariance(moments, 3)).toEqual([0, 0, 0, 0])
  })
})

describe('the covariance of a node with many items', () => {
  const width = 12

  test('is the full covariance where items vary in four directions or fewer', () => {
    const vectors = spreadItems(200, [3, 2, 1.2, 0.6])

    const moments = nodeMoments(trieOf(new Array(200).fill(0)), vectors, width)

    expectClose(covariance(moments, 1), fullCovariance(vectors, width), 0.01)
  })

  test('keeps the whole variance, and most of it in its place, where they vary in more', () => {
    const vectors = spreadItems(500, [3, 2.2, 1.6, 1.2, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4, 0.4])

    const moments = nodeMoments(trieOf(new Array(500).fill(0)), vectors, width)

    const [ours, full] = [covariance(moments, 1), fullCovariance(vectors, width)]
    expect(trace(ours)).toBeCloseTo(trace(full), 3)
    const rest = full.map((value, i) => value - ours[i]!)
    expect(Math.hypot(...rest)).toBeLessThan(0.05 * Math.hypot(...full))
  })

  test('is zero where all vectors are the same', () => {
    const vectors = new Float32Array(5 * width).fill(0.1)

    const moments = nodeMoments(trieOf([0, 0, 0, 0, 0]), vectors, width)

    expectClose(covariance(moments, 1), new Float32Array(width * width), 1e-12)
  })

  test('is found where the vectors are symmetric about their mean', () => {
    // Opposite pairs: any fixed start direction could be orthogonal to all of them.
    const vectors = Float32Array.of(1, -1, -1, 1, 1, -1, -1, 1)

    const moments = nodeMoments(trieOf([0, 0, 0, 0]), vectors, 2)

    expectClose(covariance(moments, 1), [1, -1, -1, 1])
  })

  /** Items whose variance lies along orthogonal axes, rotated so that no axis is a coordinate. */
  function spreadItems(count: number, deviations: number[]): Float32Array {
    const random = createRandom(11)
    const axes = deviations.map((_, a) =>
      Array.from({ length: width }, (_, d) => Math.cos(((d + 0.5) * a * Math.PI) / width))
    ) // the cosines of the DCT are orthogonal
    const vectors = new Float32Array(count * width)
    for (let i = 0; i < count; i++) {
      axes.forEach((axis, a) => {
        const amount = (deviations[a]! * random.normal()) / Math.hypot(...axis)
        for (let d = 0; d < width; d++) vectors[i * width + d]! += amount * axis[d]!
      })
    }
    return vectors
  }
})

/** A trie of two levels in which item i stands below first code codes[i]. */
function trieOf(codes: number[]): Trie {
  return buildTrie({
    scheme: 'residual-kmeans',
    depth: 2,
    levelSizes: [Math.max(...codes) + 1, codes.length],
    codes: Int32Array.from(codes.flatMap((code, i) => [code, i]))
  })
}

/** Directions and diagonal of a node put together: [width, width] row-major. */
function covariance({ width: D, rank, directions, diagonals }: NodeMoments, node: number) {
  const full = Array.from({ length: D * D }, (_, at) => {
    const [row, column] = [Math.floor(at / D), at % D]
    let sum = row === column ? diagonals[node * D + row]! : 0
    for (let r = 0; r < rank; r++) {
      const start = (node * rank + r) * D
      sum += directions[start + row]! * directions[start + column]!
    }
    return sum
  })
  return full
}

function fullCovariance(vectors: Float32Array, D: number): number[] {
  const count = vectors.length / D
  const mean = Array.from({ length: D }, (_, d) => {
    let sum = 0
    for (let i = 0; i < count; i++) sum += vectors[i * D + d]!
    return sum / count
  })
  return Array.from({ length: D * D }, (_, at) => {
    const [row, column] = [Math.floor(at / D), at % D]
    let sum = 0
    for (let i = 0; i < count; i++) {
      sum += (vectors[i * D + row]! - mean[row]!) * (vectors[i * D + column]! - mean[column]!)
    }
    return sum / count
  })
}

function trace(matrix: number[]): number {
  const D = Math.sqrt(matrix.length)
  return matrix.reduce((sum, value, at) => (at % (D + 1) === 0 ? sum + value : sum), 0)
}
