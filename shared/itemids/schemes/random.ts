// RID: the cell of an item is a random one, drawn from its key and a seed. It is what every other
// scheme has to beat: prefixes that say nothing.
import type { Item } from '#shared/catalog/item.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { evenShape, type IndexInput, type Paths, type Reading } from '../scheme.ts'

export type KeyReading = Reading & { readonly from: 'key' }

export function randomPaths({ items, random, settings = {} }: IndexInput): Paths {
  const { levels, branching } = evenShape(items.length)
  const sizes: number[] = new Array(levels - 1).fill(settings.branching ?? branching)
  const reading: KeyReading = { from: 'key', seed: random.integer(2 ** 31), sizes }
  const codes = Int32Array.from(items.flatMap(item => pathOfKey(item, reading)))
  return { length: sizes.length, codes, sizes, reading }
}

/** The same for the same key and seed, whatever else the catalogue holds. */
export function pathOfKey({ key }: Item, { seed, sizes }: KeyReading): number[] {
  const random = createRandom(hash(key, seed))
  return sizes.map(size => random.integer(size))
}

/** FNV-1a. */
function hash(text: string, seed: number): number {
  let value = 0x811c9dc5 ^ seed
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  return value >>> 0
}
