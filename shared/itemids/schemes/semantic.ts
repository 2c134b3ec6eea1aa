// SemID: the path of the item's categories, each place in the tree a code of its own. Levels that
// are the same for all items, as the name of the shop at the root, are left out.
import { categoryPath } from '#shared/catalog/category-levels.ts'
import { pathPrefix } from '#shared/catalog/derive-features.ts'
import type { Item } from '#shared/catalog/item.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { type IndexInput, nothingMore, type Paths, type Reading } from '../scheme.ts'

export type CategoryReading = Reading & { readonly from: 'categories' }

/** Deeper steps of a path hold few items each. */
const deepest = 6

export function semanticPaths({ items }: IndexInput): Paths {
  const paths = items.map(categoryPath)
  if (paths.every(path => path.length === 0)) {
    throw new RecommenderError(
      'ITEM_INVALID',
      'no item has categories, which the scheme semantic reads: send them as a list from the root ' +
        'to the leaf, or choose residual-kmeans, which reads any attributes'
    )
  }
  const levels = Array.from({ length: deepest }, (_, i) => classesAt(paths, i + 1)).filter(
    ({ classes, isEverywhere }) => classes.length > 1 || (classes.length === 1 && !isEverywhere)
  )
  const reading: CategoryReading = {
    from: 'categories',
    levels: levels.map(({ depth, classes }) => ({ depth, classes }))
  }
  const read = categoryReader(reading)
  return {
    length: levels.length,
    codes: Int32Array.from(items.flatMap(item => read(item))),
    sizes: levels.map(({ classes }) => classes.length + 1),
    reading
  }
}

/** Codes down to the deepest category that the catalogue has; nothing more below an unknown one. */
export function categoryReader({ levels }: CategoryReading): (item: Item) => number[] {
  const codesOf = levels.map(({ classes }) => new Map(classes.map((name, i) => [name, i + 1])))
  return item => {
    const path = categoryPath(item)
    let isKnown = true
    return levels.map(({ depth }, level) => {
      const name = path.length >= depth ? pathPrefix(path, depth) : ''
      const code = isKnown ? codesOf[level]!.get(name) : undefined
      isKnown &&= code !== undefined
      return code ?? nothingMore
    })
  }
}

function classesAt(paths: readonly (readonly string[])[], depth: number) {
  const reaching = paths.filter(path => path.length >= depth)
  const classes = [...new Set(reaching.map(path => pathPrefix(path, depth)))].sort()
  return { depth, classes, isEverywhere: reaching.length === paths.length }
}
