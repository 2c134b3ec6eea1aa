import { expect, test } from 'vitest'
import { coOccurrence, degreesOf, type Graph } from '#shared/itemids/co-occurrence.ts'
import { spectralEmbedding } from '#shared/itemids/spectral-embedding.ts'
import { symmetricEigenvectors } from '#shared/itemids/symmetric-eigenvectors.ts'
import { createRandom } from '#shared/runtime/random.ts'

test('finds the leading eigenvectors that a dense solver finds', () => {
  const graph = randomGraph(42)
  const directions = 3

  const rows = spectralEmbedding(graph, { directions, random: createRandom(1) })

  const exact = symmetricEigenvectors(denseMatrix(graph), 42).slice(0, directions)
  const expected = (a: number, b: number) =>
    cosine(
      exact.map(v => v[a]!),
      exact.map(v => v[b]!)
    )
  for (let a = 0; a < 42; a++) {
    for (let b = 0; b < 42; b++) {
      const found = cosine(rowOf(rows, a, directions), rowOf(rows, b, directions))
      expect(found).toBeCloseTo(expected(a, b), 1)
    }
  }
})

test('puts the nodes of a part that nothing joins with the rest side by side, the parts apart', () => {
  const sessions = Array.from({ length: 200 }, (_, s) =>
    Int32Array.from({ length: 5 }, (_, i) => (s % 4) * 10 + ((s * 7 + i * i) % 10))
  )
  const { graph } = coOccurrence(sessions, 40)

  const rows = spectralEmbedding(graph, { directions: 4, random: createRandom(1) })

  for (let a = 0; a < 40; a++) {
    for (let b = 0; b < 40; b++) {
      const alike = cosine(rowOf(rows, a, 4), rowOf(rows, b, 4))
      if (Math.floor(a / 10) === Math.floor(b / 10)) expect(alike).toBeGreaterThan(0.95)
      else expect(alike).toBeLessThan(0.5)
    }
  }
})

test('is the same for the same seed', () => {
  const embed = (seed: number) =>
    spectralEmbedding(randomGraph(30), { directions: 4, random: createRandom(seed) })

  expect(embed(3)).toEqual(embed(3))
})

test('a graph of two nodes has no more than two directions', () => {
  const { graph } = coOccurrence([Int32Array.of(0, 1)], 2)

  const rows = spectralEmbedding(graph, { directions: 2, random: createRandom(1) })

  expect(rows).toHaveLength(4)
  expect(rows.every(Number.isFinite)).toBe(true)
})

function randomGraph(nodes: number): Graph {
  const random = createRandom(2)
  const sessions = Array.from({ length: 150 }, (_, s) =>
    Int32Array.from({ length: 3 }, () =>
      random.next() < 0.8 ? (s % 3) + 3 * random.integer(nodes / 3) : random.integer(nodes)
    )
  )
  return coOccurrence([...sessions, Int32Array.from({ length: nodes }, (_, i) => i)], nodes).graph
}

/** D^-1/2 (A + t/n) D^-1/2, as the embedding describes it. */
function denseMatrix(graph: Graph): Float64Array {
  const { nodes, starts, neighbours, weights } = graph
  const degrees = degreesOf(graph)
  const mean = degrees.reduce((sum, degree) => sum + degree, 0) / nodes
  const matrix = new Float64Array(nodes * nodes).fill(mean / nodes)
  for (let n = 0; n < nodes; n++) {
    for (let e = starts[n]!; e < starts[n + 1]!; e++) {
      matrix[n * nodes + neighbours[e]!]! += weights[e]!
    }
  }
  return matrix.map((value, at) => {
    const [row, column] = [Math.floor(at / nodes), at % nodes]
    return value / Math.sqrt((degrees[row]! + mean) * (degrees[column]! + mean))
  })
}

function rowOf(rows: Float32Array, row: number, width: number): number[] {
  return Array.from(rows.subarray(row * width, (row + 1) * width))
}

function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) =>
    x.reduce((s, v, i) => s + v * y[i]!, 0)
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
}
