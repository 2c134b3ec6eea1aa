// RK: residual k-means over item vectors, of what the items are, of how they were visited, or of a
// trained encoder, which knows both. Fitted on items with a click, where clicks matter.
import { coOccurrence } from '../co-occurrence.ts'
import { assignResidualKmeans } from '../residual-kmeans.ts'
import { type IndexInput, type Paths, rowsOf } from '../scheme.ts'
import { spectralEmbedding } from '../spectral-embedding.ts'

export type KmeansVectors = 'metadata' | 'collaborative' | 'both'

/** Directions of the graph of visits: about as many as clusters are told apart by. */
const directions = 32

export function residualKmeansPaths(kind: KmeansVectors): (input: IndexInput) => Paths {
  return input => {
    const { vectors, width, known } = clusteredVectors(kind, input)
    const { itemIds } = assignResidualKmeans(vectors, width, input.random, {
      clusters: input.settings?.branching,
      onProgress: input.onProgress
    })
    const { depth } = itemIds
    const length = depth - 1 // the last code numbers the items of a cell, which all schemes do alike
    const codes = new Int32Array(input.items.length * length).fill(-1)
    known.forEach((item, row) => {
      codes.set(itemIds.codes.subarray(row * depth, row * depth + length), item * length)
    })
    return {
      length,
      codes,
      sizes: itemIds.levelSizes.slice(0, length),
      reading: { from: 'vector' }
    }
  }
}

function clusteredVectors(kind: KmeansVectors, input: IndexInput) {
  const all = Int32Array.from(input.items.keys())
  const { width } = input
  if (kind === 'metadata') return { vectors: input.metadataVectors, width, known: all }
  if (kind === 'both') {
    const clicked = new Set(input.sessions.flatMap(session => Array.from(session)))
    const known = clicked.size > 0 ? all.filter(item => clicked.has(item)) : all
    return { vectors: rowsOf(input.vectors, width, known), width, known }
  }
  const { graph, items } = coOccurrence(input.sessions, input.items.length)
  const columns = Math.min(directions, items.length)
  const { random, onProgress } = input
  const vectors = spectralEmbedding(graph, { directions: columns, random, onProgress })
  return { vectors, width: columns, known: items }
}
