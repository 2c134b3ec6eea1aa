// Decides from the catalogue alone which features the model reads. The result is saved in the
// release, so that a new item is read exactly as the items of training were.
import { chunkCounts, type TableBudget } from './chunk-counts.ts'
import { attributeOf, type Item } from './item.ts'
import { wordsOf } from './words.ts'

interface FeatureBase {
  readonly name: string
  readonly attribute: string
  /** Look-ups for each value in the unified embedding. */
  readonly chunks: number
}

/** A feature: how values are read from one attribute. */
export type Feature =
  /** The first `depth` steps of a path; items with a shorter path have no value. */
  | (FeatureBase & { readonly kind: 'path'; readonly depth: number })
  /** Words weighted by inverse document frequency; `catalogSize` weighs a word never seen. */
  | (FeatureBase & {
      readonly kind: 'text'
      readonly catalogSize: number
      readonly documentCounts: Readonly<Record<string, number>>
    })
  /** The quantile bucket of a number. */
  | (FeatureBase & { readonly kind: 'number'; readonly boundaries: readonly number[] })
  /** The value itself, or each value of a list. */
  | (FeatureBase & { readonly kind: 'label' })

/** Deeper category steps add little and cost a column each. */
export const deepestPath = 4
/** Quantile buckets of a number. */
const numberBuckets = 16
/** A string attribute is text when its values average at least this many words. */
const textWords = 3

/** A feature looked up once, and how many different values of it the catalogue has. */
interface Found {
  readonly feature: Feature
  readonly distinct: number
}

/**
 * Features in the order of attribute names; empty when no item has an attribute. What is the same
 * for every item is no feature.
 *
 * @param budget of the table that values are looked up in; without one it has room for all.
 */
export function deriveFeatures(
  items: readonly Item[],
  budget: TableBudget = { rows: Number.POSITIVE_INFINITY }
): Feature[] {
  const names = new Set(items.flatMap(item => Object.keys(item.attributes)))
  const found = [...names].sort().flatMap(attribute => featuresOf(attribute, items))
  const sizes = found.map(({ feature: { name }, distinct }) => ({ name, distinct }))
  const counts = chunkCounts(sizes, budget)
  return found.map(({ feature }, f) => ({ ...feature, chunks: counts[f]! }))
}

function featuresOf(attribute: string, items: readonly Item[]): Found[] {
  const values = items
    .map(item => attributeOf(item, attribute))
    .filter(value => value !== undefined)
  if (values.every(value => typeof value === 'number')) {
    return tellsApart(values, items) ? [numberFeature(attribute, values)] : []
  }
  if (attribute === 'categories') return pathFeatures(attribute, values, items)
  if (values.every(value => typeof value === 'string') && isText(values)) {
    return [textFeature(attribute, values, items.length)]
  }
  const lists = values.map(value => (Array.isArray(value) ? value : [String(value)]) as string[])
  const isFeature = tellsApart(
    lists.map(list => list.join(separator)),
    items
  )
  const feature: Feature = { kind: 'label', name: attribute, attribute, chunks: 1 }
  return isFeature ? [{ feature, distinct: new Set(lists.flat()).size }] : []
}

/** False when every item has the same value. */
function tellsApart(values: readonly (string | number)[], items: readonly Item[]): boolean {
  return values.length > 0 && (values.length < items.length || new Set(values).size > 1)
}

function isText(values: readonly string[]): boolean {
  const words = values.reduce((sum, value) => sum + wordsOf(value).length, 0)
  const distinct = new Set(values).size
  return words / values.length >= textWords && distinct > values.length / 2
}

function pathFeatures(
  attribute: string,
  values: readonly unknown[],
  items: readonly Item[]
): Found[] {
  const paths = values.map(value => (Array.isArray(value) ? value : [String(value)]) as string[])
  const found: Found[] = []
  for (let depth = 1; depth <= deepestPath; depth++) {
    const prefixes = paths.filter(path => path.length >= depth).map(path => pathPrefix(path, depth))
    if (!tellsApart(prefixes, items)) continue
    const name = `${attribute}:${depth}`
    const feature: Feature = { kind: 'path', name, attribute, depth, chunks: 1 }
    found.push({ feature, distinct: new Set(prefixes).size })
  }
  return found
}

/** A character that no step and no label contains. */
const separator = '\u001f'

/** The first steps of a path as one value. */
export function pathPrefix(path: readonly string[], depth: number): string {
  return path.slice(0, depth).join(separator)
}

function textFeature(attribute: string, values: readonly string[], catalogSize: number): Found {
  const counts = new Map<string, number>()
  for (const value of values) {
    for (const word of new Set(wordsOf(value))) counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  const documentCounts = Object.fromEntries([...counts].filter(([, count]) => count > 1).sort())
  return {
    feature: { kind: 'text', name: attribute, attribute, chunks: 1, catalogSize, documentCounts },
    distinct: counts.size
  }
}

function numberFeature(attribute: string, values: readonly number[]): Found {
  const sorted = Float64Array.from(values).sort()
  const quantiles = Array.from(
    { length: numberBuckets - 1 },
    (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / numberBuckets)]!
  )
  const boundaries = [...new Set(quantiles)]
  return {
    feature: { kind: 'number', name: attribute, attribute, chunks: 1, boundaries },
    distinct: boundaries.length + 1
  }
}
