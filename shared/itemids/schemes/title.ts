// TID: the first words of the title, in their order. Readable, known before the first click, and a
// new item is placed by reading it; but items that begin alike need not be visited alike.
import { attributeOf, type Item } from '#shared/catalog/item.ts'
import { wordsOf } from '#shared/catalog/words.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { type IndexInput, nothingMore, type Paths, type Reading } from '../scheme.ts'

export type TitleReading = Reading & { readonly from: 'title' }

const titleAttributes = ['title', 'name']
/** More words make more nodes that hold one item, and tell little more apart. */
const usualWords = 4

export function titlePaths({ items, settings = {} }: IndexInput): Paths {
  const attribute = titleAttributes.find(name =>
    items.some(item => titleWords(item, name).length > 0)
  )
  if (attribute === undefined) {
    throw new RecommenderError(
      'ITEM_INVALID',
      'no item has a title or a name with a word, which the scheme title reads: send one, or choose ' +
        'residual-kmeans, which reads any attributes'
    )
  }
  const length = settings.words ?? usualWords
  const titles = items.map(item => titleWords(item, attribute))
  const words = [...new Set(titles.flatMap(title => title.slice(0, length)))].sort()
  const reading: TitleReading = { from: 'title', attribute, length, words }
  const read = titleReader(reading)
  const codes = Int32Array.from(items.flatMap(item => read(item)))
  return { length, codes, sizes: new Array(length).fill(words.length + 1), reading }
}

/** Words of the title that the catalogue's titles begin with; of a new item's, others are left out. */
export function titleReader(reading: TitleReading): (item: Item) => number[] {
  const { attribute, length, words } = reading
  const codeOf = new Map(words.map((word, place) => [word, place + 1]))
  return item => {
    const known = titleWords(item, attribute).flatMap(word => codeOf.get(word) ?? [])
    return Array.from({ length }, (_, place) => known[place] ?? nothingMore)
  }
}

function titleWords(item: Item, attribute: string): string[] {
  return wordsOf(String(attributeOf(item, attribute) ?? ''))
}
