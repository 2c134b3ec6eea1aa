// Elaborative IDs, after SE-DSI (Tang et al. 2023, arXiv 2305.15115): the words that describe an item
// best, read from all its attributes. Those are the rarest ones that a fair number of other items
// have too; a word of few items would describe nothing that could be shared. The most general of
// them comes first, so that IDs read from the general to the particular.
import type { Item } from '#shared/catalog/item.ts'
import { wordsOf } from '#shared/catalog/words.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { evenShape, type IndexInput, nothingMore, type Paths, type Reading } from '../scheme.ts'

export type WordReading = Reading & { readonly from: 'words' }

const usualWords = 3

export function elaborativePaths({ items, settings = {} }: IndexInput): Paths {
  const length = settings.words ?? usualWords
  const counts = new Map<string, number>()
  for (const item of items) {
    for (const word of describingWords(item)) counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  const support = Math.min(enoughItems(items.length), Math.ceil(items.length / 2))
  const shared = [...counts].filter(([, count]) => count >= support && count < items.length)
  const vocabulary = shared.length > 0 ? shared : [...counts]
  if (vocabulary.length === 0) {
    throw new RecommenderError(
      'ITEM_INVALID',
      'no item has an attribute with words, which the scheme elaborative reads: send titles, ' +
        'categories or labels, or choose residual-kmeans'
    )
  }
  vocabulary.sort(([a], [b]) => (a < b ? -1 : 1))
  const reading: WordReading = {
    from: 'words',
    length,
    words: vocabulary.map(([word]) => word),
    itemCounts: vocabulary.map(([, count]) => count)
  }
  const read = wordReader(reading)
  return {
    length,
    codes: Int32Array.from(items.flatMap(item => read(item))),
    sizes: new Array(length).fill(vocabulary.length + 1),
    reading
  }
}

/** A quarter of what a node of the first level holds when levels branch alike. */
function enoughItems(itemCount: number): number {
  const { levels, branching } = evenShape(itemCount)
  return Math.max(2, Math.ceil(branching ** (levels - 1) / 4))
}

/** Codes of the item's rarest known words, the most general first; of equally rare ones by alphabet. */
export function wordReader({ words, itemCounts, length }: WordReading): (item: Item) => number[] {
  const placeOf = new Map(words.map((word, place) => [word, place]))
  return item => {
    const known = [...describingWords(item)].flatMap(word => placeOf.get(word) ?? [])
    known.sort((a, b) => itemCounts[a]! - itemCounts[b]! || a - b)
    const best = known.slice(0, length).reverse()
    return Array.from({ length }, (_, i) => (i < best.length ? best[i]! + 1 : nothingMore))
  }
}

/** Words of everything that is written about an item; numbers alone say nothing without their unit. */
export function describingWords({ attributes }: Item): Set<string> {
  const texts = Object.values(attributes).filter(value => typeof value !== 'number')
  return new Set(
    texts.flatMap(value => wordsOf(typeof value === 'object' ? value.join(' ') : String(value)))
  )
}
