// What an indexing scheme reads and what it makes. A scheme says which *cell* of a tree each item
// belongs to: the path of codes before the last one. The last code, which tells the items of a cell
// apart, is given by assign-item-ids.ts, so that IDs are unique under every scheme.
//
// Filling up: paths of some schemes differ in length (a cluster that is small already, a short title,
// a category near the root). All paths of a catalogue are made equally long by zeros at the end: the
// code 0 says "nothing more", and real codes of such schemes begin with 1. A node whose only child
// is 0 costs a search nothing in probability: a choice among one has probability one.
import type { Item } from '#shared/catalog/item.ts'
import type { Random } from '#shared/runtime/random.ts'
import type { Scheme } from './item-ids.ts'

/** The code that fills up a path which is shorter than others. */
export const nothingMore = 0

/** Whether a zero in a path says so: of other schemes it is a code like others. */
export function isFilledUp(scheme: Scheme): boolean {
  return /^(title|semantic|elaborative|collaborative)/.test(scheme)
}

/** What IDs are fitted on: training sessions and the catalogue, nothing else. */
export interface IndexInput {
  /** The catalogue; item i is items[i] everywhere. */
  readonly items: readonly Item[]
  /** Item numbers of the training sessions, oldest click first, in the order in which sessions began. */
  readonly sessions: readonly Int32Array[]
  /** D */
  readonly width: number
  /** [items, D] vectors of a trained encoder: what the items are and how they were visited. */
  readonly vectors: Float32Array
  /** [items, D] of their metadata alone, as a new item's vector is made. */
  readonly metadataVectors: Float32Array
  readonly random: Random
  readonly settings?: SchemeSettings
  /** Told how far a long fit is. */
  readonly onProgress?: FitProgress
}

export type FitProgress = (act: string, done: number, total: number) => void

/** What is not given follows from the size of the catalogue. */
export interface SchemeSettings {
  /** Most children of a node: clusters of a k-means, parts of a cluster, a digit's base. */
  readonly branching?: number | undefined
  /** Collaborative: a larger cluster is divided. */
  readonly clusterSize?: number | undefined
  /** Title and elaborative: words of an ID. */
  readonly words?: number | undefined
  /** Most codes of a level; with more items in one cell, assigning them is refused. */
  readonly codesPerLevel?: number | undefined
}

/** The cells of a catalogue: what a scheme makes. */
export interface Paths {
  /** Codes of a path; 0 when the last code is the whole ID. */
  readonly length: number
  /** [items, length]; an item that the scheme knows nothing of has -1 and is placed as a new one. */
  readonly codes: Int32Array
  /** How many codes each level of a path has, [length]. */
  readonly sizes: readonly number[]
  /** How a new item's codes are read from its metadata. */
  readonly reading: Reading
  /** [items] in which order the items of a cell are numbered; by default their own. */
  readonly ranks?: Int32Array
}

/**
 * How a path is read from the metadata of an item that was not there when IDs were fitted. Codes
 * that a reading does not give are those of the nearest cell by metadata vector. Part of a release.
 */
export type Reading =
  | { readonly from: 'vector' }
  | { readonly from: 'key'; readonly seed: number; readonly sizes: readonly number[] }
  | {
      readonly from: 'title'
      readonly attribute: string
      readonly length: number
      /** The word of code c is words[c - 1]. */
      readonly words: readonly string[]
    }
  | {
      readonly from: 'categories'
      /** For each level, how many steps of the path it stands for, and the class of code c at c - 1. */
      readonly levels: readonly { readonly depth: number; readonly classes: readonly string[] }[]
    }
  | {
      readonly from: 'words'
      readonly length: number
      readonly words: readonly string[]
      /** In how many items each word occurs. */
      readonly itemCounts: readonly number[]
    }

/** Fits the cells of a catalogue. @throws RecommenderError ITEM_INVALID when the items lack what it reads. */
export type FitPaths = (input: IndexInput) => Paths

/** Some rows of a matrix. */
export function rowsOf(matrix: Float32Array, width: number, rows: Int32Array): Float32Array {
  const chosen = new Float32Array(rows.length * width)
  rows.forEach((row, i) => {
    chosen.set(matrix.subarray(row * width, (row + 1) * width), i * width)
  })
  return chosen
}

/** What a search scores at each step; above, one level more costs less than wider ones. */
const mostChildren = 64

export interface IdShape {
  /** Codes of an ID, the last of which tells the items of a cell apart. */
  readonly levels: number
  /** Codes of a level. */
  readonly branching: number
}

/** IDs whose levels branch about equally: three levels, and more from 64^3 items on. */
export function evenShape(itemCount: number): IdShape {
  let levels = 3
  while (itemCount > mostChildren ** levels) levels++
  return { levels, branching: Math.max(1, Math.ceil(itemCount ** (1 / levels))) }
}
