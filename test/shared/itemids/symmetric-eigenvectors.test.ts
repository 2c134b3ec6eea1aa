import fc from 'fast-check'
import { expect, test } from 'vitest'
import { symmetricEigenvectors } from '#shared/itemids/symmetric-eigenvectors.ts'

test('the matrix only stretches each vector, the first one most, and they are orthonormal', () => {
  const matrices = fc.integer({ min: 1, max: 8 }).chain(size =>
    fc.array(fc.double({ min: -5, max: 5, noNaN: true }), {
      minLength: size * size,
      maxLength: size * size
    })
  )

  fc.assert(
    fc.property(matrices, values => {
      const size = Math.sqrt(values.length)
      const matrix = Float64Array.from(
        values,
        (value, at) => value + values[(at % size) * size + Math.floor(at / size)]!
      )

      const vectors = symmetricEigenvectors(matrix, size)

      const stretched = vectors.map(vector => product(matrix, vector))
      const values_ = vectors.map((vector, i) => dot(vector, stretched[i]!))
      vectors.forEach((vector, i) => {
        vector.forEach((part, d) => {
          expect(stretched[i]![d]! - values_[i]! * part).toBeCloseTo(0, 8)
        })
        vectors.forEach((other, j) => {
          expect(dot(vector, other)).toBeCloseTo(i === j ? 1 : 0, 8)
        })
        if (i > 0) expect(values_[i]!).toBeLessThanOrEqual(values_[i - 1]! + 1e-9)
      })
    }),
    { numRuns: 300 }
  )
})

function product(matrix: Float64Array, vector: Float64Array): Float64Array {
  const size = vector.length
  return vector.map((_, row) => dot(matrix.subarray(row * size, (row + 1) * size), vector))
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0)
}
