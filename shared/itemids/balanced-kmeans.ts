// k-means whose clusters are about equally large, so that every branch of the trie costs the same to
// search. Lloyd's iterations from a k-means++ start (Arthur and Vassilvitskii 2007), then one
// assignment under a capacity.
import type { Random } from '#shared/runtime/random.ts'

export interface Clustering {
  /** [clusters, width] row-major: the mean of each cluster's vectors. */
  readonly centroids: Float32Array
  /** [count] cluster of each vector. */
  readonly assignment: Int32Array
}

export interface KmeansTask {
  /** [count, width] row-major. */
  readonly vectors: Float32Array
  readonly width: number
  readonly clusters: number
  /**
   * No cluster holds more than this times its fair share, rounded down, or the fair share rounded up;
   * Infinity leaves sizes free.
   */
  readonly slack: number
  /** Numbers of the vectors that shares are counted among; all of them together where nothing is said. */
  readonly groups?: readonly Int32Array[]
  readonly random: Random
  /** Told how many rounds are done, the start counted as one. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

const iterations = 25

/** Clusters vectors; with fewer vectors than clusters, each gets its own and the rest stay empty. */
export function balancedKmeans(task: KmeansTask): Clustering {
  const { vectors, width, clusters, slack } = task
  const count = vectors.length / width
  const centroids = startCentroids(task)
  const assignment = new Int32Array(count)
  for (let i = 0; i < iterations; i++) {
    task.onProgress?.(i + 1, iterations + 2)
    const changed = assignNearest(vectors, centroids, width, assignment)
    recentre(vectors, assignment, centroids, width)
    if (!changed) break
  }
  for (const group of task.groups ?? [Int32Array.from(assignment.keys())]) {
    const fairShare = group.length / clusters
    const capacity = Math.max(Math.ceil(fairShare), Math.floor(fairShare * slack))
    if (capacity < group.length) assignWithin(capacity, group, task, { centroids, assignment })
  }
  recentre(vectors, assignment, centroids, width)
  task.onProgress?.(iterations + 2, iterations + 2)
  return { centroids, assignment }
}

/** k-means++: each next centroid is a vector drawn in proportion to its squared distance so far. */
function startCentroids({ vectors, width, clusters, random }: KmeansTask): Float32Array {
  const count = vectors.length / width
  const centroids = new Float32Array(clusters * width)
  const nearest = new Float64Array(count).fill(Number.POSITIVE_INFINITY)
  let chosen = random.integer(count)
  for (let c = 0; c < clusters; c++) {
    centroids.set(vectors.subarray(chosen * width, (chosen + 1) * width), c * width)
    let total = 0
    for (let i = 0; i < count; i++) {
      nearest[i] = Math.min(nearest[i]!, squaredDistance(vectors, i, centroids, c, width))
      total += nearest[i]!
    }
    let left = random.next() * total
    for (chosen = 0; chosen < count - 1 && left >= nearest[chosen]!; chosen++)
      left -= nearest[chosen]!
  }
  return centroids
}

/** @returns whether any vector changed its cluster. */
function assignNearest(
  vectors: Float32Array,
  centroids: Float32Array,
  width: number,
  assignment: Int32Array
): boolean {
  let changed = false
  for (let i = 0; i < assignment.length; i++) {
    const best = nearestCentroid(vectors.subarray(i * width, (i + 1) * width), centroids, width)
    if (best !== assignment[i]) changed = true
    assignment[i] = best
  }
  return changed
}

/** The nearest centroid; of two equally near, the first. */
export function nearestCentroid(
  vector: Float32Array,
  centroids: Float32Array,
  width: number
): number {
  let best = 0
  let least = Number.POSITIVE_INFINITY
  for (let c = 0; c * width < centroids.length; c++) {
    const distance = squaredDistance(vector, 0, centroids, c, width)
    if (distance < least) [best, least] = [c, distance]
  }
  return best
}

/**
 * Vectors choose in turn, those that would lose most by their second choice first; each takes its
 * nearest centroid that has room.
 */
function assignWithin(
  capacity: number,
  group: Int32Array,
  { vectors, width, clusters }: KmeansTask,
  { centroids, assignment }: Clustering
): void {
  const choices = Array.from(group, i => {
    const distances = Float64Array.from({ length: clusters }, (_, c) =>
      squaredDistance(vectors, i, centroids, c, width)
    )
    const order = Array.from(distances.keys()).sort((a, b) => distances[a]! - distances[b]!)
    return { i, order, regret: (distances[order[1] ?? 0] ?? 0) - distances[order[0]!]! }
  })
  const room = new Int32Array(clusters).fill(capacity)
  for (const { i, order } of choices.sort((a, b) => b.regret - a.regret || a.i - b.i)) {
    const cluster = order.find(c => room[c]! > 0)!
    room[cluster]!--
    assignment[i] = cluster
  }
}

/** Moves each centroid to the mean of its vectors; an empty cluster stays where it was. */
function recentre(
  vectors: Float32Array,
  assignment: Int32Array,
  centroids: Float32Array,
  width: number
): void {
  const sums = new Float64Array(centroids.length)
  const counts = new Int32Array(centroids.length / width)
  assignment.forEach((cluster, i) => {
    counts[cluster]!++
    for (let d = 0; d < width; d++) sums[cluster * width + d]! += vectors[i * width + d]!
  })
  counts.forEach((count, c) => {
    if (count === 0) return
    for (let d = 0; d < width; d++) centroids[c * width + d] = sums[c * width + d]! / count
  })
}

function squaredDistance(
  a: Float32Array,
  i: number,
  b: Float32Array,
  j: number,
  width: number
): number {
  let sum = 0
  for (let d = 0; d < width; d++) {
    const difference = a[i * width + d]! - b[j * width + d]!
    sum += difference * difference
  }
  return sum
}
