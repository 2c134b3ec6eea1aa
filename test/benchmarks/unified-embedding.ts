// Quality against bytes of one multiplexed table, a hashed table for each feature, and no collisions.
//
// npm run bench -- unified-embedding --dataset PATH_OR_NAME [--layouts a,b] [--budgets 0.5,0.25,0.1]
//   [--chunks 1,2] [--seed 1] [--recipe JSON]
//
// A budget is a share of the rows that a table without collisions needs (Coleman et al. 2023, section
// 5). The item's own key always takes width / rowWidth look-ups. Figures are of the dense head.
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
import { createLogger } from '#shared/runtime/logging.ts'
import { encoderQuality } from './quality/encoder-quality.ts'
import { type BenchSet, loadSet } from './quality/load-set.ts'
import { placeMetrics } from './quality/place-metrics.ts'
import type { BenchOptions, Figure } from './report.ts'

export async function run(options: BenchOptions): Promise<readonly Figure[]> {
  await startTrainingBackend('auto', createLogger({ name: 'unified-embedding', level: 'warn' }))
  const loaded = await loadSet(options)
  if (!loaded) return []
  const list = (name: string, fallback: string) => String(options[name] ?? fallback).split(',')
  const layouts = list('layouts', 'collisionless,multiplexed,per-feature')
  const figures: Figure[] = []
  for (const chunks of list('chunks', '1,2').map(Number)) {
    const catalog = readCatalog(loaded, chunks)
    const quality = async (layout: string, rows: number, rowOf: RowOf) => {
      const set = withRows(loaded.set, catalog, rowOf)
      const { places } = await encoderQuality(set, loaded.recipe, Number(options.seed ?? 1))
      const { recall, ndcg } = placeMetrics(places)
      const name = `${layout}, ${chunks} chunks, ${rows} rows`
      figures.push({
        name: `${name}: bytes`,
        value: rows * loaded.recipe.rowWidth * 4,
        unit: 'bytes'
      })
      figures.push({ name: `${name}: NDCG@10`, value: ndcg[10], unit: 'NDCG@10' })
      return { name, recall: recall[10] }
    }
    if (layouts.includes('collisionless')) {
      const { name, recall } = await quality('collisionless', catalog.values, collisionless())
      figures.push({ name: `${name}: Recall@10`, value: recall, unit: 'Recall@10' })
    }
    for (const budget of list('budgets', '0.5,0.25,0.1').map(Number)) {
      const rows = Math.round(budget * catalog.values)
      const own = layouts.includes('per-feature')
        ? await quality('per-feature', rows, perFeature(catalog, budget))
        : undefined
      if (own)
        figures.push({ name: `${own.name}: Recall@10`, value: own.recall, unit: 'Recall@10' })
      if (!layouts.includes('multiplexed')) continue
      const { name, recall } = await quality('multiplexed', rows, multiplexed(rows))
      figures.push({
        name: `${name}: Recall@10`,
        value: recall,
        unit: 'Recall@10',
        ...(own && { reference: own.recall, wanted: { of: 'ratio', atLeast: 1 } })
      })
      figures.push(...collisions(catalog, rows))
    }
  }
  return figures
}

interface Catalog {
  readonly layout: readonly FeatureLayout[]
  readonly keyLayout: FeatureLayout
  readonly items: readonly (readonly (readonly FeatureValue[])[])[]
  readonly keys: readonly (readonly (readonly FeatureValue[])[])[]
  /** Distinct values of each feature, the key among them. */
  readonly distinct: ReadonlyMap<string, ReadonlySet<string>>
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

/** A hashed table for each chunk of each feature, as large as its share of the values. */
function perFeature({ layout, keyLayout, distinct }: Catalog, budget: number): RowOf {
  const starts = new Map<string, { start: number; rows: number }>()
  let start = 0
  for (const { name, chunks } of [...layout, keyLayout]) {
    for (let chunk = 0; chunk < chunks; chunk++) {
      const rows = Math.max(1, Math.round(budget * distinct.get(name)!.size))
      starts.set(`${name} ${chunk}`, { start, rows })
      start += rows
    }
  }
  return (feature, chunk, value) => {
    const table = starts.get(`${feature} ${chunk}`)!
    return table.start + bucketOf(feature, chunk, value, table.rows)
  }
}

/** Share of each feature's values that share their row of the first chunk with any other value. */
function collisions({ layout, keyLayout, distinct }: Catalog, rows: number): Figure[] {
  const users = new Int32Array(rows)
  const rowsOf = ({ name, chunks }: FeatureLayout, chunk: number) =>
    chunk < chunks
      ? Array.from(distinct.get(name)!, value => bucketOf(name, chunk, value, rows))
      : []
  const all = [...layout, keyLayout]
  for (const feature of all) {
    for (let chunk = 0; chunk < feature.chunks; chunk++) {
      for (const row of rowsOf(feature, chunk)) users[row]!++
    }
  }
  return all.map(feature => {
    const first = rowsOf(feature, 0)
    const shared = first.filter(row => users[row]! > 1).length
    return {
      name: `values of ${feature.name} that share a row of ${rows}`,
      value: shared / Math.max(1, first.length),
      unit: `of ${first.length}`
    }
  })
}
