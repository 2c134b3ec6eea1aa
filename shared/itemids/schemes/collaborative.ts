// CID: recursive spectral clustering of the graph of items visited together (Hua et al. 2023). A
// cluster larger than `clusterSize` is divided again, by its own part of the graph, so that popular
// corners of a catalogue get longer IDs. Items that nobody visited together with another are placed
// as new ones: by their metadata.
import type { Random } from '#shared/runtime/random.ts'
import { balancedKmeans, nearestCentroid } from '../balanced-kmeans.ts'
import { coOccurrence, degreesOf, type Graph, subgraph } from '../co-occurrence.ts'
import { evenShape, type IndexInput, nothingMore, type Paths, rowsOf } from '../scheme.ts'
import { spectralEmbedding } from '../spectral-embedding.ts'

/** Largest part, as a multiple of the fair share: below two, so that every division divides. */
const slack = 1.5

export function collaborativePaths(input: IndexInput): Paths {
  const { items, settings = {} } = input
  const branching = Math.max(2, settings.branching ?? evenShape(items.length).branching)
  const clusterSize = settings.clusterSize ?? 2 * branching
  if (items.length <= clusterSize) {
    return { length: 0, codes: new Int32Array(0), sizes: [], reading: { from: 'vector' } }
  }
  const { graph, items: itemOf } = coOccurrence(input.sessions, items.length)
  const paths: number[][] = Array.from(items, () => [])
  let done = 0

  const divide = (part: Graph, members: Int32Array) => {
    const parts = Math.min(branching, Math.ceil((2 * members.length) / clusterSize))
    const clusters = clusterOf(part, members, parts, input)
    for (let cluster = 0; cluster < parts; cluster++) {
      const inside = Int32Array.from(members.keys()).filter(place => clusters[place] === cluster)
      const chosen = inside.map(place => members[place]!)
      for (const item of chosen) paths[item]!.push(cluster + 1)
      if (chosen.length > clusterSize) divide(subgraph(part, inside), chosen)
      else done += chosen.length
      input.onProgress?.('clusters of visited items', done, itemOf.length)
    }
  }
  if (itemOf.length > clusterSize) divide(graph, itemOf)
  else for (const item of itemOf) paths[item]!.push(1)
  return filledUp(paths, branching)
}

/** Cluster of each member, below `parts`. */
function clusterOf(
  graph: Graph,
  members: Int32Array,
  parts: number,
  { metadataVectors, width, random, onProgress }: IndexInput
): Int32Array {
  const meta = (places: Int32Array) =>
    rowsOf(
      metadataVectors,
      width,
      places.map(p => members[p]!)
    )
  const all = Int32Array.from(members.keys())
  const degrees = degreesOf(graph)
  const joined = all.filter(place => degrees[place]! > 0)
  if (joined.length <= parts) return kmeans(meta(all), width, parts, random).assignment
  const isWhole = joined.length === all.length
  const connected = isWhole ? graph : subgraph(graph, joined)
  const isLarge = joined.length > 5000 // the many small ones are told of when they are done
  const embedded = spectralEmbedding(connected, {
    directions: parts,
    random,
    onProgress: isLarge ? onProgress : undefined
  })
  const { assignment } = kmeans(embedded, parts, parts, random)
  if (isWhole) return assignment
  const clusters = new Int32Array(members.length).fill(-1)
  assignment.forEach((cluster, i) => {
    clusters[joined[i]!] = cluster
  })
  return withNearest(clusters, meta(all), width, parts)
}

function kmeans(vectors: Float32Array, width: number, clusters: number, random: Random) {
  return balancedKmeans({ vectors, width, clusters, slack, random })
}

/** Members that no visit joins with the others go where their metadata is nearest. */
function withNearest(
  clusters: Int32Array,
  vectors: Float32Array,
  width: number,
  parts: number
): Int32Array {
  const means = new Float32Array(parts * width)
  const counts = new Int32Array(parts)
  for (const cluster of clusters) if (cluster >= 0) counts[cluster]!++
  clusters.forEach((cluster, i) => {
    for (let d = 0; cluster >= 0 && d < width; d++) {
      means[cluster * width + d]! += vectors[i * width + d]! / counts[cluster]!
    }
  })
  return clusters.map((cluster, i) =>
    cluster >= 0
      ? cluster
      : nearestCentroid(vectors.subarray(i * width, (i + 1) * width), means, width)
  )
}

function filledUp(paths: readonly (readonly number[])[], branching: number): Paths {
  const length = paths.reduce((longest, path) => Math.max(longest, path.length), 0)
  const codes = paths.flatMap(path =>
    Array.from({ length }, (_, i) => (path.length > 0 ? (path[i] ?? nothingMore) : -1))
  )
  const sizes = new Array(length).fill(branching + 1)
  return { length, codes: Int32Array.from(codes), sizes, reading: { from: 'vector' } }
}
