// Eigenvectors of a small symmetric matrix by Jacobi's rotations: each makes one pair of entries zero.
// For the few dozen rows that are left of a large problem; a larger matrix wants a library.

const mostSweeps = 30

/** @param matrix [size, size] symmetric. @returns unit vectors, that of the largest eigenvalue first. */
export function symmetricEigenvectors(matrix: Float64Array, size: number): Float64Array[] {
  const m = matrix.slice()
  const vectors = Array.from({ length: size }, (_, i) =>
    Float64Array.from({ length: size }, (_, j) => (i === j ? 1 : 0))
  )
  for (let sweep = 0; sweep < mostSweeps && offDiagonal(m, size) > 1e-22; sweep++) {
    for (let p = 0; p < size; p++) {
      for (let q = p + 1; q < size; q++) rotate(m, vectors, p, q)
    }
  }
  const order = vectors.map((_, i) => i).sort((a, b) => m[b * size + b]! - m[a * size + a]!)
  return order.map(i => vectors[i]!)
}

/** Makes m[p, q] zero; vectors[i] are the rows that the matrix has been turned by. */
function rotate(m: Float64Array, vectors: readonly Float64Array[], p: number, q: number): void {
  const size = vectors.length
  const entry = m[p * size + q]!
  if (Math.abs(entry) < 1e-300) return
  const theta = (m[q * size + q]! - m[p * size + p]!) / (2 * entry)
  const tangent = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1))
  const cosine = 1 / Math.sqrt(tangent * tangent + 1)
  const sine = tangent * cosine
  for (let k = 0; k < size; k++) {
    const [a, b] = [m[k * size + p]!, m[k * size + q]!]
    m[k * size + p] = cosine * a - sine * b
    m[k * size + q] = sine * a + cosine * b
  }
  for (let k = 0; k < size; k++) {
    const [a, b] = [m[p * size + k]!, m[q * size + k]!]
    m[p * size + k] = cosine * a - sine * b
    m[q * size + k] = sine * a + cosine * b
    const [x, y] = [vectors[p]![k]!, vectors[q]![k]!]
    vectors[p]![k] = cosine * x - sine * y
    vectors[q]![k] = sine * x + cosine * y
  }
}

/** Sum of the squares beside the diagonal. */
function offDiagonal(m: Float64Array, size: number): number {
  let sum = 0
  m.forEach((value, i) => {
    if (i % (size + 1) !== 0) sum += value * value
  })
  return sum
}
