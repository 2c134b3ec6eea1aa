// Item IDs: each item as a short sequence of codes, one for each level of a tree. The model speaks
// item IDs; clients speak item keys.

/** Every way to index items; README.md says which to use when. */
export const schemes = [
  'random',
  'title',
  'independent',
  'sequential-time',
  'sequential-random',
  'sequential-short-first',
  'sequential-long-first',
  'collaborative',
  'semantic',
  'sequential+independent',
  'collaborative+independent',
  'semantic+independent',
  'semantic+collaborative',
  'residual-kmeans',
  'residual-kmeans-metadata',
  'residual-kmeans-collaborative',
  'elaborative'
] as const
export type Scheme = (typeof schemes)[number]

/** The item IDs of a catalogue. Everything a reader needs travels inside: no number is agreed elsewhere. */
export interface ItemIds {
  readonly scheme: Scheme
  /** Codes of an item ID; the same for every item: shorter ones are filled up, see scheme.ts. */
  readonly depth: number
  /** The vocabulary: how many codes each level has, [depth]. Items that come later may extend the last. */
  readonly levelSizes: readonly number[]
  /** Item i's codes are codes[i * depth] to codes[i * depth + depth - 1]; no two items share all. */
  readonly codes: Int32Array
}
