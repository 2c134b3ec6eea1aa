// Reads the codes of a path from an item's metadata, by the rule of its scheme.
import type { Item } from '#shared/catalog/item.ts'
import type { Reading } from './scheme.ts'
import { wordReader } from './schemes/elaborative.ts'
import { pathOfKey } from './schemes/random.ts'
import { categoryReader } from './schemes/semantic.ts'
import { titleReader } from './schemes/title.ts'

/** The first codes of a path; none where the vector alone decides. */
export type PathReader = (item: Item) => readonly number[]

export function pathReader(reading: Reading): PathReader {
  switch (reading.from) {
    case 'vector':
      return () => []
    case 'key':
      return item => pathOfKey(item, reading)
    case 'title':
      return titleReader(reading)
    case 'categories':
      return categoryReader(reading)
    case 'words':
      return wordReader(reading)
  }
}

/** What a code of a level says in words; undefined where it is but a number. */
export function codeName(reading: Reading, level: number, code: number): string | undefined {
  if (code < 1) return undefined
  if (reading.from === 'title' || reading.from === 'words') return reading.words[code - 1]
  if (reading.from !== 'categories') return undefined
  return reading.levels[level]?.classes[code - 1]?.split('\u001f').at(-1)
}
