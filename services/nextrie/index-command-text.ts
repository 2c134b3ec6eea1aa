// Lays out what `nextrie index` found, to read.
import type { ItemExplanation } from '#shared/itemids/explain-item.ts'
import type { IdStatistics } from '#shared/itemids/id-statistics.ts'
import type { IndexedCatalogue } from './index-command-source.ts'
import { textTable } from './text-table.ts'

const shownItems = 10

/** What there is, the IDs of the most clicked items, and what to ask next. */
export function describeCatalogue({
  name,
  items,
  itemIds,
  clicks,
  origin
}: IndexedCatalogue): string {
  const { codes, depth, levelSizes } = itemIds
  const often = Array.from(items.keys()).sort((a, b) => clicks[b]! - clicks[a]! || a - b)
  const rows = often
    .slice(0, shownItems)
    .map(item => [
      items[item]!.key,
      codes.subarray(item * depth, (item + 1) * depth).join(' '),
      clicks[item]!
    ])
  return [
    `${name}: ${items.length} items, IDs by ${origin}`,
    `${depth} codes, of ${levelSizes.join(', ')} on each level`,
    '',
    textTable(['item', 'ID', 'clicks'], rows),
    '',
    'More: nextrie index stats, nextrie index --explain ITEM, --scheme NAME'
  ].join('\n')
}

export function describeItem(
  { name, items, origin }: IndexedCatalogue,
  item: number,
  { codes, steps, neighbours }: ItemExplanation
): string {
  const rows = steps.map(({ code, name: said, items: count, words, examples }, level) => [
    level + 1,
    code,
    said ?? '',
    count,
    words.join(', '),
    examples.join(', ')
  ])
  const near = neighbours.map(({ key, sharedCodes }) => [key, sharedCodes])
  const { key, attributes } = items[item]!
  const known = Object.entries(attributes).map(([attribute, value]) => `${attribute} ${value}`)
  return [
    `item ${key} of ${name} has the ID ${codes.join(' ')} by ${origin}`,
    known.join(', ').slice(0, 200),
    '',
    textTable(
      ['level', 'code', 'says', 'items', 'more often than elsewhere', 'most clicked'],
      rows
    ),
    '',
    textTable(['neighbour', 'shared codes'], near)
  ].join('\n')
}

export function describeStatistics(
  { name, itemIds, origin }: IndexedCatalogue,
  statistics: IdStatistics
): string {
  const rows = statistics.levels.map((level, i) => [
    i + 1,
    level.codes,
    level.codes - level.usedCodes,
    level.nodes,
    level.mostChildren,
    level.imbalance.toFixed(2)
  ])
  const lengths = [...statistics.lengths].map(([length, items]) => `${items} of ${length} codes`)
  return [
    `${name}: ${statistics.items} items, IDs by ${origin}`,
    '',
    textTable(['level', 'codes', 'unused', 'nodes', 'most children', 'largest node / mean'], rows),
    '',
    `depth ${itemIds.depth}: ${lengths.join(', ')}`,
    `collisions: none of whole IDs; ${statistics.sharingCell} items share all codes but the last ` +
      `with another, in ${statistics.sharedCells} of ${statistics.cells} cells, the largest of ` +
      `${statistics.largestCell}`,
    `trie: ${statistics.bytesPerItem.toFixed(1)} bytes an item`
  ].join('\n')
}
