// The moments of the trie's inner nodes while items come and change: what node-moments.ts computes once
// for a release, kept up for the nodes on the paths of these items. One thread writes, all read.
//
// Beside the memory that is read there are, for each node that has changed, the sums of the items below
// it and of their squares. They give the count, the mean and the variance of each number exactly. The
// directions of the covariance stay those of the release, shortened by the share that its items still
// have; the diagonal takes up the rest of the variance. So the moments depend on which items there are
// now, not on the order in which they came: a process that starts later computes the same.
//
// A search that reads a row in the microsecond in which it is written may see numbers of before and
// after side by side. They differ by what one item changes: nothing waits for that.
import { type DecoderMemory, decoderPlaces, floatsAt } from './decoder-memory.ts'
import { type DecoderWeights, writeNodePart } from './token-decoder.ts'

export interface ChangedVector {
  /** Rows of the moments on the item's path, from the level below the root to that above the leaf. */
  readonly rows: readonly number[]
  /** [D] its vector so far; absent for an item that was not there. */
  readonly before?: Float32Array | undefined
  /** [D] its vector now; absent for one that is gone. */
  readonly now?: Float32Array | undefined
}

export interface LivingMoments {
  change(changed: ChangedVector): void
}

/** What is known of one node beside what is read. */
interface NodeSums {
  readonly level: number
  /** Items of the release below it, and their directions [Q, D]. */
  readonly ownCount: number
  readonly ownDirections: Float32Array
  count: number
  /** [D] */
  readonly sum: Float64Array
  /** [D] */
  readonly squares: Float64Array
}

/** @param releaseNodes inner nodes of the release; rows from there on are new. */
export function createLivingMoments(
  memory: DecoderMemory,
  weights: Pick<DecoderWeights, 'node' | 'level'>,
  releaseNodes: number
): LivingMoments {
  const { width: D, rank, innerNodes } = memory
  const places = decoderPlaces(memory, 0)
  const rowLength = (2 + rank) * D
  const moments = floatsAt(memory, places.moments, innerNodes * rowLength)
  const nodeParts = floatsAt(memory, places.nodeParts, innerNodes * D)
  const logCounts = floatsAt(memory, places.logCounts, innerNodes)
  const known = new Map<number, NodeSums>()

  const sumsOf = (row: number, level: number): NodeSums => {
    const found = known.get(row)
    if (found) return found
    const ownCount = row < releaseNodes ? Math.round(Math.exp(logCounts[row]!)) : 0
    const stored = moments.subarray(row * rowLength, (row + 1) * rowLength)
    const ownDirections = stored.slice(2 * D)
    const variance = varianceAlong(ownDirections, D)
    const sum = new Float64Array(D)
    const squares = new Float64Array(D)
    for (let d = 0; d < D && ownCount > 0; d++) {
      const mean = stored[d]!
      sum[d] = ownCount * mean
      squares[d] = ownCount * (mean * mean + stored[D + d]! + variance[d]!)
    }
    const sums = { level, ownCount, ownDirections, count: ownCount, sum, squares }
    known.set(row, sums)
    return sums
  }

  const write = (
    row: number,
    { level, ownCount, ownDirections, count, sum, squares }: NodeSums
  ) => {
    if (count === 0) return // nobody enters a node without items
    const stored = moments.subarray(row * rowLength, (row + 1) * rowLength)
    const share = Math.sqrt(ownCount / count)
    for (let i = 0; i < ownDirections.length; i++) stored[2 * D + i] = share * ownDirections[i]!
    const along = varianceAlong(stored.subarray(2 * D), D)
    for (let d = 0; d < D; d++) {
      const mean = sum[d]! / count
      stored[d] = mean
      stored[D + d] = Math.max(0, squares[d]! / count - mean * mean - along[d]!)
    }
    logCounts[row] = Math.log(count)
    const part = nodeParts.subarray(row * D, (row + 1) * D)
    writeNodePart(weights, level, stored.subarray(0, D), part)
  }

  return {
    change({ rows, before, now }) {
      rows.forEach((row, i) => {
        const sums = sumsOf(row, i + 1)
        if (before) add(sums, before, -1)
        if (now) add(sums, now, 1)
        write(row, sums)
      })
    }
  }
}

/** [D] the variance of each number along the directions [Q, D]. */
function varianceAlong(directions: Float32Array, D: number): Float64Array {
  const variance = new Float64Array(D)
  for (let i = 0; i < directions.length; i++) variance[i % D]! += directions[i]! ** 2
  return variance
}

function add(sums: NodeSums, vector: Float32Array, times: 1 | -1): void {
  sums.count += times
  for (let d = 0; d < vector.length; d++) {
    sums.sum[d]! += times * vector[d]!
    sums.squares[d]! += times * vector[d]! ** 2
  }
}
