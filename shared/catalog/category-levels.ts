// The category levels that the model learns to predict beside the next item (M2TRec's other tasks).
import { deepestPath, pathPrefix } from './derive-features.ts'
import { attributeOf, type Item } from './item.ts'

/** One level of the category tree. */
export interface CategoryLevel {
  readonly depth: number
  /** The paths of this depth; a class is a place in this list. */
  readonly classes: readonly string[]
}

/** A level with more classes says little about sparse ones and costs more than the next item. */
const mostClasses = 1000

/** Of the levels that are features, too, those with at least two and at most a thousand classes. */
export function categoryLevels(items: readonly Item[]): CategoryLevel[] {
  const levels = Array.from({ length: deepestPath }, (_, i) => ({
    depth: i + 1,
    classes: [...new Set(items.flatMap(item => prefixOf(item, i + 1) ?? []))].sort()
  }))
  return levels.filter(({ classes }) => classes.length > 1 && classes.length <= mostClasses)
}

/** Class of each item at a level; -1 where its path is too short. */
export function categoryClasses(items: readonly Item[], level: CategoryLevel): Int32Array {
  const place = new Map(level.classes.map((name, index) => [name, index]))
  return Int32Array.from(items, item => place.get(prefixOf(item, level.depth) ?? '') ?? -1)
}

function prefixOf(item: Item, depth: number): string | undefined {
  const path = categoryPath(item)
  return path.length >= depth ? pathPrefix(path, depth) : undefined
}

/** Of an item without categories: none. */
export function categoryPath(item: Item): readonly string[] {
  const path = attributeOf(item, 'categories')
  if (path === undefined) return []
  return typeof path === 'object' ? path : [String(path)]
}
