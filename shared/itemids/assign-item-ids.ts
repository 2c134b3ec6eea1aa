// Gives every item of a catalogue its ID, by any scheme: the scheme finds the cells, then the items of
// a cell are numbered, which makes the IDs unique. The hybrids of "How to Index Item IDs" (Hua et al.
// 2023) put the item's own number in the place of that last code.
import { RecommenderError } from '#shared/runtime/errors.ts'
import { buildTrieOfRows, type IdRows } from './build-trie.ts'
import type { ItemIds, Scheme } from './item-ids.ts'
import { cellTree, createPlacer, nodesAlong, type Placing } from './place-item.ts'
import type { FitPaths, IndexInput, Paths, SchemeSettings } from './scheme.ts'
import { collaborativePaths } from './schemes/collaborative.ts'
import { elaborativePaths } from './schemes/elaborative.ts'
import { independentPaths } from './schemes/independent.ts'
import { randomPaths } from './schemes/random.ts'
import { residualKmeansPaths } from './schemes/residual-kmeans.ts'
import { semanticPaths } from './schemes/semantic.ts'
import { semanticThenCollaborativePaths } from './schemes/semantic-collaborative.ts'
import { sequentialPaths } from './schemes/sequential.ts'
import { titlePaths } from './schemes/title.ts'
import { TrieOverlay } from './trie-overlay.ts'

export interface AssignedIds {
  readonly itemIds: ItemIds
  readonly placing: Placing
}

interface SchemeRule {
  readonly pathsOf: FitPaths
  readonly lastCode: Placing['lastCode']
}

const rules: Readonly<Record<Scheme, SchemeRule>> = {
  random: { pathsOf: randomPaths, lastCode: 'place' },
  title: { pathsOf: titlePaths, lastCode: 'place' },
  independent: { pathsOf: independentPaths, lastCode: 'number' },
  'sequential-time': { pathsOf: sequentialPaths('time'), lastCode: 'place' },
  'sequential-random': { pathsOf: sequentialPaths('random'), lastCode: 'place' },
  'sequential-short-first': { pathsOf: sequentialPaths('short-first'), lastCode: 'place' },
  'sequential-long-first': { pathsOf: sequentialPaths('long-first'), lastCode: 'place' },
  collaborative: { pathsOf: collaborativePaths, lastCode: 'place' },
  semantic: { pathsOf: semanticPaths, lastCode: 'place' },
  'sequential+independent': { pathsOf: sequentialPaths('time'), lastCode: 'number' },
  'collaborative+independent': { pathsOf: collaborativePaths, lastCode: 'number' },
  'semantic+independent': { pathsOf: semanticPaths, lastCode: 'number' },
  'semantic+collaborative': { pathsOf: semanticThenCollaborativePaths, lastCode: 'place' },
  'residual-kmeans': { pathsOf: residualKmeansPaths('both'), lastCode: 'place' },
  'residual-kmeans-metadata': { pathsOf: residualKmeansPaths('metadata'), lastCode: 'place' },
  'residual-kmeans-collaborative': {
    pathsOf: residualKmeansPaths('collaborative'),
    lastCode: 'place'
  },
  elaborative: { pathsOf: elaborativePaths, lastCode: 'place' }
}

/**
 * The IDs of a catalogue, and how a new item gets one. The same input and seed give the same IDs.
 * Items that the scheme knows nothing of, as those without a training click, are placed as new ones.
 *
 * @throws RecommenderError ITEM_INVALID for an empty catalogue, a key that occurs twice, items that
 *   lack what the scheme reads, or more items in a cell than a level has codes; LOG_TOO_SHORT when
 *   it needs sessions and they show no two items together; ARGUMENT_INVALID for a setting that is no
 *   whole number of at least 1.
 */
export function assignItemIds(scheme: Scheme, input: IndexInput): AssignedIds {
  refuseBadSettings(input.settings)
  refuseBadCatalogue(input)
  const { pathsOf, lastCode } = rules[scheme]
  const paths = pathsOf(input)
  const fitted = fittedItems(paths, input.items.length)
  const rows = numberCells(paths, fitted, lastCode)
  const codesPerLevel = input.settings?.codesPerLevel
  const placing: Placing = {
    reading: paths.reading,
    lastCode,
    ...(codesPerLevel !== undefined && { codesPerLevel }),
    width: input.width,
    centroids: cellCentroids(rows, input)
  }
  const all = withOthersPlaced(rows, placing, input)
  const levelSizes = [...paths.sizes, largestLastCode(all) + 1]
  refuseLargeLevels(scheme, levelSizes, codesPerLevel)
  return {
    itemIds: { scheme, depth: all.depth, levelSizes, codes: all.codes },
    placing: { ...placing, centroids: cellCentroids(all, input) }
  }
}

function refuseBadSettings(settings: SchemeSettings = {}): void {
  for (const [name, value] of Object.entries(settings)) {
    if (value === undefined || (Number.isSafeInteger(value) && value >= 1)) continue
    throw new RecommenderError(
      'ARGUMENT_INVALID',
      `the setting ${name} of item IDs is ${value}: it must be a whole number of at least 1, or be left out`
    )
  }
}

function refuseBadCatalogue({ items, vectors, metadataVectors, width }: IndexInput): void {
  if (items.length === 0) {
    throw new RecommenderError('ITEM_INVALID', 'the catalogue is empty: there is nothing to index')
  }
  const keys = new Set<string>()
  for (const { key } of items) {
    if (keys.has(key)) {
      throw new RecommenderError(
        'ITEM_INVALID',
        `the item key ${key} occurs twice: keys must differ`
      )
    }
    keys.add(key)
  }
  for (const each of [vectors, metadataVectors]) {
    if (each.length === items.length * width) continue
    throw new RecommenderError(
      'ITEM_INVALID',
      `${items.length} items of width ${width} need as many vectors, not ${each.length / width}`
    )
  }
}

function fittedItems({ codes, length }: Paths, itemCount: number): Int32Array {
  return Int32Array.from({ length: itemCount }, (_, item) => item).filter(
    item => length === 0 || codes[item * length] !== -1
  )
}

/** The whole IDs of fitted items. */
function numberCells(paths: Paths, fitted: Int32Array, lastCode: Placing['lastCode']): IdRows {
  const { length, ranks } = paths
  const items = ranks ? fitted.toSorted((a, b) => ranks[a]! - ranks[b]!) : fitted
  const codes = new Int32Array(items.length * (length + 1))
  const sizes = new Map<string, number>()
  items.forEach((item, row) => {
    const path = paths.codes.subarray(item * length, (item + 1) * length)
    const place = sizes.get(path.join()) ?? 0
    sizes.set(path.join(), place + 1)
    codes.set(path, row * (length + 1))
    codes[row * (length + 1) + length] = lastCode === 'number' ? item : place
  })
  return { depth: length + 1, codes, items }
}

/** [nodes of the tree of paths, D] mean metadata vector of the items below. */
function cellCentroids(rows: IdRows, { metadataVectors, width }: IndexInput): Float32Array {
  const tree = cellTree(rows)
  const means = new Float32Array(tree.parent.length * width)
  const counts = new Int32Array(tree.parent.length)
  rows.items.forEach((item, row) => {
    const path = rows.codes.subarray(row * rows.depth, (row + 1) * rows.depth - 1)
    for (const node of nodesAlong(tree, path)) {
      counts[node]!++
      for (let d = 0; d < width; d++) means[node * width + d]! += metadataVectors[item * width + d]!
    }
  })
  return means.map((sum, i) => sum / counts[Math.floor(i / width)]!)
}

/** With the items that the scheme knows nothing of, one after another; those of a category of their own open cells. */
function withOthersPlaced(
  rows: IdRows,
  placing: Placing,
  { items, metadataVectors, width }: IndexInput
): IdRows {
  const { depth } = rows
  const codes = new Int32Array(items.length * depth).fill(-1)
  const all = { depth, codes, items: Int32Array.from(items.keys()) }
  rows.items.forEach((item, row) => {
    codes.set(rows.codes.subarray(row * depth, (row + 1) * depth), item * depth)
  })
  if (rows.items.length === items.length) return all
  const placer = createPlacer(rows, placing)
  const trie = new TrieOverlay(buildTrieOfRows(rows))
  items.forEach((item, number) => {
    if (codes[number * depth] !== -1) return
    const vector = metadataVectors.subarray(number * width, (number + 1) * width)
    const placed = placer.place({ item, vector, number }, trie)
    trie.apply({ kind: 'insert', item: number, codes: placed })
    codes.set(placed, number * depth)
  })
  return all
}

function largestLastCode({ codes, depth }: IdRows): number {
  let largest = 0
  for (let at = depth - 1; at < codes.length; at += depth) largest = Math.max(largest, codes[at]!)
  return largest
}

function refuseLargeLevels(
  scheme: Scheme,
  levelSizes: readonly number[],
  codesPerLevel = Number.POSITIVE_INFINITY
): void {
  const level = levelSizes.findIndex(size => size > codesPerLevel)
  if (level < 0) return
  throw new RecommenderError(
    'ITEM_INVALID',
    `the catalogue does not fit the code space: ${scheme} needs ${levelSizes[level]} codes on level ` +
      `${level + 1}, and ${codesPerLevel} are allowed; allow more codes, or choose another branching`
  )
}
