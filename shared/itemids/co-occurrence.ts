// Which items were visited together: a symmetric graph whose edges count how often, in compressed
// rows. Items that were never visited together with another are not in it.
import { RecommenderError } from '#shared/runtime/errors.ts'

/** A symmetric matrix in compressed rows, without a diagonal. */
export interface Graph {
  readonly nodes: number
  /** [nodes + 1] row n lies from starts[n] to starts[n + 1] - 1. */
  readonly starts: Int32Array
  /** [entries] rising within a row. */
  readonly neighbours: Int32Array
  /** [entries] above zero. */
  readonly weights: Float32Array
}

/** Clicks further apart than this are no pair: a session of a thousand clicks would make a million. */
const widestGap = 20

/**
 * Counts pairs of different items at most twenty clicks apart, in both directions.
 *
 * @returns the graph over the items that have a pair; node n is items[n].
 * @throws RecommenderError LOG_TOO_SHORT when there is no pair.
 */
export function coOccurrence(
  sessions: readonly Int32Array[],
  itemCount: number
): { readonly graph: Graph; readonly items: Int32Array } {
  const sizes = new Int32Array(itemCount)
  eachPair(sessions, (a, b) => {
    sizes[a]!++
    sizes[b]!++
  })
  const items = Int32Array.from(sizes.keys()).filter(item => sizes[item]! > 0)
  if (items.length === 0) {
    throw new RecommenderError(
      'LOG_TOO_SHORT',
      'no training session has two different items, which collaborative IDs are made of: record ' +
        'more, or choose residual-kmeans-metadata'
    )
  }
  const nodeOf = new Int32Array(itemCount)
  items.forEach((item, node) => {
    nodeOf[item] = node
  })
  const ends = startsOf(items.map(item => sizes[item]!))
  const pairs = new Int32Array(ends[items.length]!)
  const next = ends.slice()
  eachPair(sessions, (a, b) => {
    pairs[next[nodeOf[a]!]!++] = nodeOf[b]!
    pairs[next[nodeOf[b]!]!++] = nodeOf[a]!
  })
  return { graph: countRows(pairs, ends), items }
}

/** The part of a graph between some of its nodes; node n of it is chosen[n]. */
export function subgraph({ nodes, starts, neighbours, weights }: Graph, chosen: Int32Array): Graph {
  const nodeOf = new Int32Array(nodes).fill(-1)
  chosen.forEach((node, place) => {
    nodeOf[node] = place
  })
  const kept: number[] = []
  const ends = new Int32Array(chosen.length + 1)
  chosen.forEach((node, place) => {
    for (let e = starts[node]!; e < starts[node + 1]!; e++) {
      if (nodeOf[neighbours[e]!]! >= 0) kept.push(e)
    }
    ends[place + 1] = kept.length
  })
  return {
    nodes: chosen.length,
    starts: ends,
    neighbours: Int32Array.from(kept, e => nodeOf[neighbours[e]!]!),
    weights: Float32Array.from(kept, e => weights[e]!)
  }
}

/** Sum of the weights of each node's edges. */
export function degreesOf({ nodes, starts, weights }: Graph): Float64Array {
  const degrees = new Float64Array(nodes)
  for (let n = 0; n < nodes; n++) {
    for (let e = starts[n]!; e < starts[n + 1]!; e++) degrees[n]! += weights[e]!
  }
  return degrees
}

function eachPair(sessions: readonly Int32Array[], act: (a: number, b: number) => void): void {
  for (const session of sessions) {
    for (let i = 0; i < session.length; i++) {
      const end = Math.min(session.length, i + widestGap + 1)
      for (let j = i + 1; j < end; j++) if (session[i] !== session[j]) act(session[i]!, session[j]!)
    }
  }
}

function startsOf(sizes: Int32Array): Int32Array {
  const starts = new Int32Array(sizes.length + 1)
  sizes.forEach((size, n) => {
    starts[n + 1] = starts[n]! + size
  })
  return starts
}

/** Sorts each row and counts its equal entries. */
function countRows(pairs: Int32Array, ends: Int32Array): Graph {
  const nodes = ends.length - 1
  const starts = new Int32Array(nodes + 1)
  const weights = new Float32Array(pairs.length)
  let entries = 0
  for (let n = 0; n < nodes; n++) {
    const row = pairs.subarray(ends[n]!, ends[n + 1]!).sort()
    for (let i = 0; i < row.length; i++) {
      if (i === 0 || row[i] !== row[i - 1]) pairs[entries++] = row[i]!
      weights[entries - 1]!++
    }
    starts[n + 1] = entries
  }
  return { nodes, starts, neighbours: pairs.slice(0, entries), weights: weights.slice(0, entries) }
}
