// Which items are near which, for some sense of near, and what is near the clicks of a session.
import { GrowingArray } from './growing-array.ts'

/** The neighbours of every item, nearest first, as compressed rows. */
export interface Neighbours {
  /** Neighbours of item a are at starts[a] to starts[a + 1] - 1. [items + 1] */
  readonly starts: Int32Array
  readonly neighbours: Int32Array
  readonly similarities: Float32Array
  /** Items that came later, where there may be any. */
  readonly added?: {
    forEach(item: number, tell: (neighbour: number, similarity: number) => void): void
  }
}

export interface ItemSimilarity {
  readonly item: number
  readonly similarity: number
}

/** Newest clicks of a session that are read. */
export const windowClicks = 20

/** @param rows the neighbours of each item, nearest first. None is kept: they may be made one by one. */
export function listNeighbours(rows: Iterable<readonly ItemSimilarity[]>): Neighbours {
  const starts = new GrowingArray(Int32Array)
  const neighbours = new GrowingArray(Int32Array)
  const similarities = new GrowingArray(Float32Array)
  starts.push(0)
  for (const row of rows) {
    for (const { item, similarity } of row) {
      neighbours.push(item)
      similarities.push(similarity)
    }
    starts.push(neighbours.length)
  }
  return {
    starts: starts.taken(),
    neighbours: neighbours.taken(),
    similarities: similarities.taken()
  }
}

/**
 * Sum over the newest clicks a of decay^age similarity(a, b), for each item b where it is above zero.
 *
 * @param clicked oldest first.
 * @param decay of a click's weight with each click that came after it.
 */
export function neighbourScores(
  { starts, neighbours, similarities, added }: Neighbours,
  clicked: Int32Array,
  decay: number
): Map<number, number> {
  const scores = new Map<number, number>()
  let weight = 1
  const add = (neighbour: number, similarity: number) => {
    scores.set(neighbour, (scores.get(neighbour) ?? 0) + weight * similarity)
  }
  for (const [item, ofItem] of clickWeights(clicked, decay)) {
    weight = ofItem
    for (let n = starts[item]!; n < starts[item + 1]!; n++) add(neighbours[n]!, similarities[n]!)
    added?.forEach(item, add)
  }
  return scores
}

/** What each item of the newest clicks counts for: the sum of decay^age over the clicks on it. */
export function clickWeights(clicked: Int32Array, decay: number): Map<number, number> {
  const weights = new Map<number, number>()
  const newest = clicked.subarray(Math.max(0, clicked.length - windowClicks))
  newest.forEach((item, i) => {
    weights.set(item, (weights.get(item) ?? 0) + decay ** (newest.length - 1 - i))
  })
  return weights
}
