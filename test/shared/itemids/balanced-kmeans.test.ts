import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { balancedKmeans, nearestCentroid } from '#shared/itemids/balanced-kmeans.ts'
import { createRandom } from '#shared/runtime/random.ts'

const free = Number.POSITIVE_INFINITY

describe('balancedKmeans', () => {
  test('finds groups that lie far apart, and their means', () => {
    const vectors = Float32Array.of(0, 0, 9, 9, 0, 1, 9, 8, 1, 0, 8, 9)

    const { centroids, assignment } = cluster(vectors, { width: 2, clusters: 2 })

    const [low, high] = assignment
    expect(low).not.toBe(high)
    expect(assignment).toEqual(Int32Array.of(low!, high!, low!, high!, low!, high!))
    const mean = (of: number) => Array.from(centroids.subarray(of * 2, of * 2 + 2))
    expect(mean(low!)).toEqual([Math.fround(1 / 3), Math.fround(1 / 3)])
    expect(mean(high!)).toEqual([Math.fround(26 / 3), Math.fround(26 / 3)])
  })

  test('fills no cluster beyond its capacity, and moves those that lose least by it', () => {
    const vectors = Float32Array.of(4, 0.3, 0.2, 0.1, 0, 10) // five near zero, one far away

    const { assignment } = cluster(vectors, { width: 1, clusters: 2, slack: 1 })

    expect(sizes(assignment, 2)).toEqual([3, 3])
    const [, , near, , , far] = assignment
    expect(assignment).toEqual(Int32Array.of(far!, far!, near!, near!, near!, far!))
  })

  test('assigns every vector, within the capacity, to a centroid that is its mean', () => {
    const tasks = fc.record({
      vectors: fc
        .array(fc.float({ min: -4, max: 4, noNaN: true }), { minLength: 2, maxLength: 80 })
        .map(values => Float32Array.from(values.slice(0, values.length & ~1))),
      clusters: fc.integer({ min: 1, max: 12 }),
      slack: fc.constantFrom(1, 1.15, 2)
    })

    fc.assert(
      fc.property(tasks, ({ vectors, clusters, slack }) => {
        const count = vectors.length / 2

        const { centroids, assignment } = cluster(vectors, { width: 2, clusters, slack })

        expect(assignment).toHaveLength(count)
        expect(Math.max(...sizes(assignment, clusters))).toBeLessThanOrEqual(
          Math.max(1, Math.ceil((count / clusters) * slack))
        )
        for (let c = 0; c < clusters; c++) {
          const own = Array.from(assignment.keys()).filter(i => assignment[i] === c)
          if (own.length === 0) continue
          for (const d of [0, 1]) {
            const sum = own.reduce((total, i) => total + vectors[i * 2 + d]!, 0)
            expect(centroids[c * 2 + d]).toBeCloseTo(sum / own.length, 4)
          }
        }
      }),
      { numRuns: 300 }
    )
  })

  test('gives each its own cluster when there are fewer vectors than clusters', () => {
    const { assignment } = cluster(Float32Array.of(1, 5, 3), { width: 1, clusters: 8 })

    expect(new Set(assignment).size).toBe(3)
  })

  test('puts up with vectors that are all the same', () => {
    const vectors = new Float32Array(12).fill(2.5)

    expect(sizes(cluster(vectors, { width: 2, clusters: 3, slack: 1 }).assignment, 3)).toEqual([
      2, 2, 2
    ])
    expect(new Set(cluster(vectors, { width: 2, clusters: 3 }).assignment).size).toBe(1)
  })

  test('gives the same clusters for the same seed', () => {
    const random = createRandom(3)
    const vectors = Float32Array.from({ length: 400 }, () => random.normal())
    const run = (seed: number) =>
      cluster(vectors, { width: 4, clusters: 9, slack: 1.15, seed }).assignment

    expect(run(1)).toEqual(run(1))
    expect(run(1)).not.toEqual(run(2))
  })

  test('starts in every group where groups are small and far apart', () => {
    const centres = [-30, -12, 1, 5, 25]

    for (let seed = 0; seed < 20; seed++) {
      const random = createRandom(seed)
      const vectors = Float32Array.from(
        { length: 100 },
        (_, i) => centres[i % 5]! + random.normal() * 0.01
      )

      const { centroids } = cluster(vectors, { width: 1, clusters: 5, seed })

      expect(Array.from(centroids, Math.round).sort((a, b) => a - b)).toEqual(centres)
    }
  })
})

test('of two centroids equally near, the first is the nearest', () => {
  expect(nearestCentroid(Float32Array.of(0, 0), Float32Array.of(3, 0, 0, 1, 1, 0), 2)).toBe(1)
})

interface Settings {
  readonly width: number
  readonly clusters: number
  readonly slack?: number
  readonly seed?: number
}

function cluster(vectors: Float32Array, { slack = free, seed = 1, ...task }: Settings) {
  return balancedKmeans({ ...task, vectors, slack, random: createRandom(seed) })
}

function sizes(assignment: Int32Array, clusters: number): number[] {
  return Array.from({ length: clusters }, (_, c) => assignment.filter(own => own === c).length)
}
