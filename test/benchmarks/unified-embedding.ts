// Quality against bytes of one multiplexed table, a hashed table for each feature, and no collisions.
//
// npm run bench -- unified-embedding --dataset PATH_OR_NAME [--layouts a,b] [--budgets 0.5,0.25,0.1]
//   [--chunks 1,2] [--seeds 1] [--seed 1] [--recipe JSON]
//
// A budget is a share of the rows that a table without collisions needs (Coleman et al. 2023, section
// 5). The item's own key always takes width / rowWidth look-ups. Figures are of the dense head, means
// over the seeds; the ratio is of means. By default there is one seed, --seed, and then a difference of
// a few per cent may be chance.
import { startTrainingBackend } from '#services/trainer/backend.ts'
import type { TrainingSet } from '#services/trainer/training-set.ts'
import { itemFeatures } from '#shared/catalog/item-features.ts'
import {
  bucketOf,
  columnsOf,
  type FeatureLayout,
  type FeatureValue,
  hashItems,
  keepRows,
  multiplexed,
  type RowOf,
  reachedRows
} from '#shared/model/unified-embedding.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { deviation, mean } from './indexing/summarise.ts'
import { encoderQuality } from './quality/encoder-quality.ts'
import { type BenchSet, loadSet } from './quality/load-set.ts'
import { type PlaceMetrics, placeMetrics } from './quality/place-metrics.ts'
import type { BenchOptions, Figure } from './report.ts'

export async function run(options: BenchOptions): Promise<readonly Figure[]> {
  await startTrainingBackend('auto', createLogger({ name: 'unified-embedding', level: 'warn' }))
  const loaded = await loadSet(options)
  if (!loaded) return []
  const list = (name: string, fallback: string) => String(options[name] ?? fallback).split(',')
  const layouts = list('layouts', 'collisionless,multiplexed,per-feature')
  const first = Number(options.seed ?? 1)
  const seeds = Array.from({ length: Number(options.seeds ?? 1) }, (_, i) => first + i)
  const figures: Figure[] = []
  for (const chunks of list('chunks', '1,2').map(Number)) {
    const catalog = readCatalog(loaded, chunks)
    /** Adds the figures of a layout. @returns its mean Recall@10. */
    const measure = async (layout: string, rows: number, rowOf: RowOf, reference?: number) => {
      const set = withRows(loaded.set, catalog, rowOf)
      const each: PlaceMetrics[] = []
      for (const seed of seeds) {
        each.push(placeMetrics((await encoderQuality(set, loaded.recipe, seed)).places))
      }
      const name = `${layout}, ${chunks} chunks, ${rows} rows`
      const recalls = each.map(({ recall }) => recall[10])
      const add = (what: string, value: number, unit: string, held: Partial<Figure> = {}) =>
        figures.push({ name: `${name}: ${what}`, value, unit, ...held })
      add('bytes', rows * loaded.recipe.rowWidth * 4, 'bytes')
      add('NDCG@10', mean(each.map(({ ndcg }) => ndcg[10])), 'NDCG@10')
      add('Recall@10', mean(recalls), 'Recall@10', {
        ...(reference !== undefined && { reference, wanted: { of: 'ratio', atLeast: 1 } })
      })
      if (seeds.length > 1) add('Recall@10 deviation over seeds', deviation(recalls), 'Recall@10')
      for (const shared of sharedRows(catalog, rowOf)) {
        const [values, unit] = [`look-ups of ${shared.feature} that share a row with`, 'of all']
        add(`${values} another of its values`, shared.within, unit)
        add(`${values} another feature`, shared.between, unit)
      }
      return mean(recalls)
    }
    if (layouts.includes('collisionless')) {
      await measure('collisionless', catalog.values, collisionless())
    }
    for (const budget of list('budgets', '0.5,0.25,0.1').map(Number)) {
      const rows = Math.round(budget * catalog.values)
      const own = layouts.includes('per-feature')
        ? await measure('per-feature', rows, perFeature(catalog, rows))
        : undefined
      if (layouts.includes('multiplexed')) {
        await measure('multiplexed', rows, multiplexed(rows), own)
      }
    }
  }
  return figures
}

/** The features and what they look up. */
interface Columns {
  readonly layout: readonly FeatureLayout[]
  readonly keyLayout: FeatureLayout
  /** Distinct values of each feature, the key among them. */
  readonly distinct: ReadonlyMap<string, ReadonlySet<string>>
}

interface Catalog extends Columns {
  readonly items: readonly (readonly (readonly FeatureValue[])[])[]
  readonly keys: readonly (readonly (readonly FeatureValue[])[])[]
  /** Rows without collisions: distinct values times their chunks. */
  readonly values: number
}

function readCatalog({ set, dataset }: BenchSet, chunks: number): Catalog {
  const byKey = new Map(dataset.items.map(item => [item.key, item]))
  const { features, keyLayout } = set.reading
  const items = set.itemKeys.map(key => itemFeatures(byKey.get(key)!, features))
  const layout = features.map(({ name }) => ({ name, chunks }))
  const keys = set.itemKeys.map(key => [[{ value: key, weight: 1 }]])
  const distinct = new Map(
    layout.map(({ name }, f) => [
      name,
      new Set(items.flatMap(item => item[f]!.map(({ value }) => value)))
    ])
  )
  distinct.set(keyLayout.name, new Set(set.itemKeys))
  const values = [...layout, keyLayout].reduce(
    (sum, feature) => sum + feature.chunks * distinct.get(feature.name)!.size,
    0
  )
  return { layout, keyLayout, items, keys, distinct, values }
}

function withRows(
  set: TrainingSet,
  { layout, keyLayout, items, keys }: Catalog,
  rowOf: RowOf
): TrainingSet {
  const [metadata, key] = [hashItems(layout, items, rowOf), hashItems([keyLayout], keys, rowOf)]
  const reached = reachedRows(metadata, key)
  return {
    ...set,
    columns: columnsOf(layout),
    reachedRows: reached,
    metadata: keepRows(metadata, reached),
    key: keepRows(key, reached)
  }
}

/** A row for each value of each chunk. */
function collisionless(): RowOf {
  const rows = new Map<string, number>()
  return (feature, chunk, value) => {
    const name = JSON.stringify([feature, chunk, value])
    const known = rows.get(name) ?? rows.size
    rows.set(name, known)
    return known
  }
}

/**
 * A table for each chunk of each feature, `rows` in all. One that has a row for each of its values
 * needs no hash.
 */
export function perFeature({ layout, keyLayout, distinct }: Columns, rows: number): RowOf {
  const tables = [...layout, keyLayout].flatMap(({ name, chunks }) =>
    Array.from({ length: chunks }, (_, chunk) => ({ name, chunk, values: distinct.get(name)! }))
  )
  const sizes = shareRows(
    tables.map(({ values }) => values.size),
    rows
  )
  const places = new Map<string, (value: string) => number>()
  let next = 0
  tables.forEach(({ name, chunk, values }, t) => {
    const [start, size] = [next, sizes[t]!]
    const own = new Map(size === values.size ? [...values].map((value, i) => [value, i]) : [])
    places.set(
      `${name} ${chunk}`,
      value => start + (own.get(value) ?? bucketOf(name, chunk, value, size))
    )
    next += size
  })
  return (feature, chunk, value) => places.get(`${feature} ${chunk}`)!(value)
}

/**
 * Rows of each table: `total` in all, in proportion to its distinct values, but at least two (a table
 * of one row tells no values apart) and at most one for each value.
 *
 * @throws ARGUMENT_INVALID when there are not even two for each.
 */
export function shareRows(distinct: readonly number[], total: number): number[] {
  const at = (share: number) => distinct.map(n => Math.max(Math.min(2, n), Math.floor(share * n)))
  const sum = (rows: readonly number[]) => rows.reduce((all, n) => all + n, 0)
  if (sum(at(0)) > total || total > sum(distinct)) {
    throw new RecommenderError(
      'ARGUMENT_INVALID',
      `--budgets: ${total} rows for ${distinct.length} tables of ${sum(distinct)} values, which take ` +
        `${sum(at(0))} to ${sum(distinct)}; choose a budget between`
    )
  }
  let [low, high] = [0, 1]
  for (let step = 0; step < 50; step++) {
    const middle = (low + high) / 2
    if (sum(at(middle)) <= total) low = middle
    else high = middle
  }
  const rows = at(low)
  // Fewer are left than there are tables that the next share would let grow by one.
  let left = total - sum(rows)
  distinct.forEach((n, t) => {
    if (left === 0 || rows[t]! >= n) return
    rows[t]!++
    left--
  })
  return rows
}

interface SharedRows {
  readonly feature: string
  /** Share of the look-ups of its values, all chunks, where another value of the same chunk is. */
  readonly within: number
  /** Where a value of another feature is: the first layer can tell these apart. */
  readonly between: number
}

/** Which look-ups share their row, by feature. */
export function sharedRows({ layout, keyLayout, distinct }: Columns, rowOf: RowOf): SharedRows[] {
  const lookups = [...layout, keyLayout].map(({ name, chunks }) => ({
    name,
    chunks: Array.from({ length: chunks }, (_, chunk) =>
      Array.from(distinct.get(name)!, value => rowOf(name, chunk, value))
    )
  }))
  const usersOf = (rows: readonly number[]) => {
    const users = new Map<number, number>()
    for (const row of rows) users.set(row, (users.get(row) ?? 0) + 1)
    return users
  }
  const all = usersOf(lookups.flatMap(({ chunks }) => chunks.flat()))
  return lookups.map(({ name, chunks }) => {
    const own = usersOf(chunks.flat())
    const count = chunks.flat().length
    const within = chunks.flatMap(rows => {
      const users = usersOf(rows)
      return rows.filter(row => users.get(row)! > 1)
    })
    const between = chunks.flat().filter(row => all.get(row)! > own.get(row)!)
    return { feature: name, within: within.length / count, between: between.length / count }
  })
}
