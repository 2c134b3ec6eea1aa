// The leading eigenvectors of a graph: nodes that are visited together come to lie side by side. It
// is the numeric part of spectral clustering (Ng, Jordan and Weiss 2001), made for 100,000 nodes and
// more: the matrix stays in compressed rows, and only its products with a block of vectors are taken.
//
// The matrix is D^-1/2 (A + t/n) D^-1/2, where t, the mean degree, joins every node with every other
// a little (Amini et al. 2013): without it the leading eigenvectors of so sparse a graph are the tiny
// parts that nothing connects. Block subspace iteration (Rutishauser 1969) multiplies the block again
// and again, orthonormalises it, and at the end turns it to the eigenvectors within it (Rayleigh and
// Ritz). Eigenvalues near each other are told apart slowly, but clusters need only the space that
// they span. npm has no kept sparse eigensolver (searched 2026-11).
import type { Random } from '#shared/runtime/random.ts'
import { degreesOf, type Graph } from './co-occurrence.ts'
import type { FitProgress } from './scheme.ts'
import { symmetricEigenvectors } from './symmetric-eigenvectors.ts'

export interface EmbeddingTask {
  /** Numbers for each node; not more than the graph has nodes. */
  readonly directions: number
  readonly random: Random
  readonly onProgress?: FitProgress | undefined
}

/** Directions beside those asked for, so that the last of these are found as well as the first. */
const spare = 8
/** Rounds of multiplying and orthonormalising; more of them changed no cluster of Amazon Beauty. */
const rounds = 10
const productsInRound = 4

/** @returns [nodes, directions] row-major, each row of length one, or zeros. */
export function spectralEmbedding(graph: Graph, task: EmbeddingTask): Float32Array {
  const { directions, random, onProgress } = task
  const columns = Math.min(graph.nodes, directions + spare)
  const multiply = normalisedMatrix(graph, columns)
  let block: Float64Array = Float64Array.from({ length: graph.nodes * columns }, random.normal)
  orthonormalise(block, columns)
  for (let round = 0; round < rounds; round++) {
    onProgress?.('eigenvectors of the graph', round, rounds)
    for (let n = 0; n < productsInRound; n++) block = multiply(block)
    orthonormalise(block, columns)
    orthonormalise(block, columns) // what rounding left of the first time
  }
  onProgress?.('eigenvectors of the graph', rounds, rounds)
  const within = products(block, multiply(block), columns)
  return turn(block, symmetricEigenvectors(within, columns), columns, directions)
}

/** x -> (x + M x) / 2: the same eigenvectors, and all eigenvalues in [0, 1], the leading ones largest. */
function normalisedMatrix(graph: Graph, columns: number): (block: Float64Array) => Float64Array {
  const { nodes, starts, neighbours, weights } = graph
  const degrees = degreesOf(graph)
  const mean = degrees.reduce((sum, degree) => sum + degree, 0) / nodes
  const scale = degrees.map(degree => 1 / Math.sqrt(degree + mean || 1))
  return block => {
    const sums = new Float64Array(columns) // of all rows: what the joining of all adds
    for (let n = 0; n < nodes; n++) {
      for (let c = 0; c < columns; c++)
        sums[c]! += (scale[n]! * block[n * columns + c]! * mean) / nodes
    }
    const product = new Float64Array(block.length)
    for (let n = 0; n < nodes; n++) {
      const row = product.subarray(n * columns, (n + 1) * columns)
      row.set(sums)
      for (let e = starts[n]!; e < starts[n + 1]!; e++) {
        const weight = weights[e]! * scale[neighbours[e]!]!
        const from = neighbours[e]! * columns
        for (let c = 0; c < columns; c++) row[c]! += weight * block[from + c]!
      }
      for (let c = 0; c < columns; c++) {
        row[c] = (block[n * columns + c]! + scale[n]! * row[c]!) / 2
      }
    }
    return product
  }
}

/** Makes the columns orthonormal, in place (Cholesky); one that depends on those before becomes zero. */
function orthonormalise(block: Float64Array, columns: number): void {
  const lower = cholesky(products(block, block, columns), columns)
  for (let start = 0; start < block.length; start += columns) {
    for (let c = 0; c < columns; c++) {
      let value = block[start + c]!
      for (let b = 0; b < c; b++) value -= lower[c * columns + b]! * block[start + b]!
      const pivot = lower[c * columns + c]!
      block[start + c] = pivot === 0 ? 0 : value / pivot
    }
  }
}

/** L with L L' = matrix, row-major; a column without anything of its own has the pivot zero. */
function cholesky(matrix: Float64Array, size: number): Float64Array {
  const lower = new Float64Array(matrix.length)
  for (let c = 0; c < size; c++) {
    for (let row = c; row < size; row++) {
      let value = matrix[row * size + c]!
      for (let b = 0; b < c; b++) value -= lower[row * size + b]! * lower[c * size + b]!
      const pivot = lower[c * size + c]!
      if (row === c)
        lower[row * size + c] = value > 1e-12 * matrix[c * size + c]! ? Math.sqrt(value) : 0
      else lower[row * size + c] = pivot === 0 ? 0 : value / pivot
    }
  }
  return lower
}

/** left' right, [columns, columns]. */
function products(left: Float64Array, right: Float64Array, columns: number): Float64Array {
  const sums = new Float64Array(columns * columns)
  for (let start = 0; start < left.length; start += columns) {
    for (let a = 0; a < columns; a++) {
      const value = left[start + a]!
      for (let b = 0; b < columns; b++) sums[a * columns + b]! += value * right[start + b]!
    }
  }
  return sums
}

/** The block seen along the first `kept` eigenvectors, [nodes, kept]; rows of length one, or zeros. */
function turn(
  block: Float64Array,
  vectors: readonly Float64Array[],
  columns: number,
  kept: number
): Float32Array {
  const nodes = block.length / columns
  const turned = new Float32Array(nodes * kept)
  for (let n = 0; n < nodes; n++) {
    const row = Float64Array.from({ length: kept }, (_, k) => {
      const vector = vectors[k]
      let sum = 0
      for (let c = 0; vector && c < columns; c++) sum += block[n * columns + c]! * vector[c]!
      return sum
    })
    const length = Math.hypot(...row) || 1
    for (let k = 0; k < kept; k++) turned[n * kept + k] = row[k]! / length
  }
  return turned
}
