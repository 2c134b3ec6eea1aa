// Residual k-means item IDs: cluster the item vectors, subtract each one's centroid, cluster what is
// left, and number the items of one cell. Similar items share a prefix, so that a beam that keeps a
// prefix keeps their neighbourhood (TIGER, Rajput et al. 2023, arXiv 2305.05065, with k-means in the
// place of its RQ-VAE, as in GRID).
import type { Random } from '#shared/runtime/random.ts'
import { balancedKmeans } from './balanced-kmeans.ts'
import type { ItemIds } from './item-ids.ts'
import { evenShape, type FitProgress } from './scheme.ts'

export interface ResidualKmeansSettings {
  /** Codes of each coarse level; by default as evenShape has them. */
  readonly clusters?: number | undefined
  readonly onProgress?: FitProgress | undefined
}

/**
 * Largest node of the first level and of those below it, as multiples of the fair share of their parent.
 * Measured below the first level on Amazon Beauty (validation, 2026-11), Recall@10 of the generator alone and
 * of the final ranking: without a limit .1281 and .1466, where the largest cell holds 79 items and the fair
 * share is 23; with 2 .1266 and .1471; with 1.5 .1254 and .1473.
 */
const [firstSlack, slack] = [1.15, 2]

/**
 * Assigns an ID to each item. Unique by construction: the last code numbers the items of a cell.
 *
 * @param vectors [count, width] row-major item vectors, fitted on training data only.
 */
export function assignResidualKmeans(
  vectors: Float32Array,
  width: number,
  random: Random,
  { clusters: asked, onProgress }: ResidualKmeansSettings = {}
): { readonly itemIds: ItemIds } {
  const count = vectors.length / width
  const { levels: depth, branching } = evenShape(count)
  const clusters = asked ?? branching
  const codes = new Int32Array(count * depth)
  const residuals = vectors.slice()
  for (let level = 0; level < depth - 1; level++) {
    const { centroids, assignment } = balancedKmeans({
      vectors: residuals,
      width,
      clusters,
      slack: level === 0 ? firstSlack : slack,
      groups: byPrefix(codes, depth, level),
      random,
      onProgress: (done, total) => onProgress?.(`k-means, level ${level + 1}`, done, total)
    })
    assignment.forEach((code, i) => {
      codes[i * depth + level] = code
      for (let d = 0; d < width; d++) residuals[i * width + d]! -= centroids[code * width + d]!
    })
  }
  const largestCell = numberCells(codes, depth)
  const levelSizes = [...Array.from({ length: depth - 1 }, () => clusters), largestCell]
  return { itemIds: { scheme: 'residual-kmeans', depth, levelSizes, codes } }
}

/** The items of each prefix of so many codes. */
function byPrefix(codes: Int32Array, depth: number, length: number): Int32Array[] {
  const items = new Map<string, number[]>()
  for (let item = 0; item * depth < codes.length; item++) {
    const prefix = codes.subarray(item * depth, item * depth + length).join()
    const known = items.get(prefix)
    if (known) known.push(item)
    else items.set(prefix, [item])
  }
  return Array.from(items.values(), numbers => Int32Array.from(numbers))
}

/** Writes the last code of each item: its place among the items of its cell. @returns the largest cell. */
function numberCells(codes: Int32Array, depth: number): number {
  const sizes = new Map<string, number>()
  let largest = 0
  for (let start = 0; start < codes.length; start += depth) {
    const cell = codes.subarray(start, start + depth - 1).join()
    const place = sizes.get(cell) ?? 0
    codes[start + depth - 1] = place
    sizes.set(cell, place + 1)
    largest = Math.max(largest, place + 1)
  }
  return largest
}
