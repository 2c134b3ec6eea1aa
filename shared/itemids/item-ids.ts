// Item IDs: each item as a short sequence of codes, one for each level of a tree. The model speaks
// item IDs; clients speak item keys.

/** The item IDs of a catalogue. Everything a reader needs travels inside: no number is agreed elsewhere. */
export interface ItemIds {
  readonly scheme: 'residual-kmeans'
  /** Codes of an item ID; the same for every item. */
  readonly depth: number
  /** How many codes each level has, [depth]. */
  readonly levelSizes: readonly number[]
  /** Item i's codes are codes[i * depth] to codes[i * depth + depth - 1]; no two items share all. */
  readonly codes: Int32Array
}
