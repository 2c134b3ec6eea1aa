// The catalogue and the split sessions as the numbers that training reads.
import { categoryClasses, categoryLevels } from '#shared/catalog/category-levels.ts'
import { deriveFeatures } from '#shared/catalog/derive-features.ts'
import type { Item } from '#shared/catalog/item.ts'
import { itemFeatures } from '#shared/catalog/item-features.ts'
import type { TimeSplit } from '#shared/evaluation/time-split.ts'
import { murmurHash } from '#shared/model/murmur-hash.ts'
import {
  columnsOf,
  hashItems,
  keepRows,
  type Lookups,
  multiplexed,
  reachedRows
} from '#shared/model/unified-embedding.ts'
import { type SessionInput, sessionInput } from '#shared/recommendations/session-input.ts'
import type { ItemReading } from '#shared/recommendations/trained-model.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { type Recipe, tableBytesOf } from './config.ts'

/** The sessions of a split as numbers. */
export interface SplitInputs {
  readonly training: readonly SessionInput[]
  readonly validation: readonly SessionInput[]
  readonly test: readonly SessionInput[]
}

export interface TrainingSet extends SplitInputs {
  readonly itemKeys: readonly string[]
  /** The catalogue in the same order. */
  readonly items: readonly Item[]
  readonly reading: ItemReading
  readonly reachedRows: Int32Array
  /** Columns of the item encoder. */
  readonly columns: number
  /** Look-ups into the rows that are kept. */
  readonly metadata: Lookups
  readonly key: Lookups
  /** Different descriptions, as a share of the items: 1 where metadata tell each item from all others. */
  readonly toldApart: number
  /** For each category level that has a head: classes, and the class of each item or -1. */
  readonly categories: readonly { readonly count: number; readonly classes: Int32Array }[]
  /** [items] clicks in training sessions. */
  readonly clicks: Int32Array
  /** Clicks of training sessions that have one after them: what there is to learn. */
  readonly targets: number
  /** What validation and test ask for, see Asked. */
  readonly asked: Asked
  /** Whether visitors come back to items within a session often enough to recommend them again. */
  readonly repeats: boolean
}

/** The item after every click of a held-out session, or only its last one (leave-one-out). */
export type Asked = 'every-click' | 'last-click'

/** From this share of training clicks on, coming back to an item is what visitors do here. */
const repeatShare = 0.01

/** @throws RecommenderError LOG_TOO_SHORT when a part has no two clicks on items of the catalogue. */
export function buildTrainingSet(
  catalog: readonly Item[],
  split: Pick<TimeSplit, 'training' | 'validation' | 'test'>,
  recipe: Recipe,
  asked: Asked = 'every-click'
): TrainingSet {
  const items = inNeutralOrder(catalog)
  const itemIndex = new Map(items.map((item, index) => [item.key, index]))
  const parts = splitInputs(split, itemIndex, recipe.gapBuckets)
  return {
    itemKeys: items.map(({ key }) => key),
    items,
    ...hashCatalog(items, recipe),
    categories: categoryLevels(items).map(level => ({
      count: level.classes.length,
      classes: categoryClasses(items, level)
    })),
    ...parts,
    clicks: countClicks(parts.training, items.length),
    targets: countTargets(parts.training),
    asked,
    repeats: shareOfRepeats(parts.training) >= repeatShare
  }
}

/** @throws RecommenderError LOG_TOO_SHORT when a part has no two clicks on known items. */
export function splitInputs(
  split: Pick<TimeSplit, 'training' | 'validation' | 'test'>,
  itemIndex: ReadonlyMap<string, number>,
  gapBuckets: number
): SplitInputs {
  const inputs = (part: 'training' | 'validation' | 'test') => {
    const read = split[part].map(({ clicks }) => sessionInput(clicks, itemIndex, gapBuckets))
    if (read.some(({ items }) => items.length > 1)) return read
    throw new RecommenderError(
      'LOG_TOO_SHORT',
      `no ${part} session has two clicks on items of the catalogue: import the items that the ` +
        'events name'
    )
  }
  return {
    training: inputs('training'),
    validation: inputs('validation'),
    test: inputs('test')
  }
}

/**
 * Items ordered by the hash of their keys: keys are often numbered in the order in which items were
 * first sold, and the order decides ties.
 */
function inNeutralOrder(catalog: readonly Item[]): Item[] {
  const hashed = catalog.map(item => ({ item, hash: murmurHash(item.key, 0) }))
  hashed.sort((a, b) => a.hash - b.hash || (a.item.key < b.item.key ? -1 : 1))
  return hashed.map(({ item }) => item)
}

function hashCatalog(items: readonly Item[], recipe: Recipe) {
  const { width, rowWidth, keyDropout } = recipe
  const buckets = rowsIn(tableBytesOf(recipe, items.length), rowWidth)
  const features = deriveFeatures(items, { rows: buckets, chunks: recipe.chunks })
  const keyLayout = { name: 'item key', chunks: width / rowWidth }
  const metadata = hashItems(
    features,
    items.map(item => itemFeatures(item, features)),
    multiplexed(buckets)
  )
  const key = hashItems(
    [keyLayout],
    items.map(item => [keyDropout === 1 ? [] : [{ value: item.key, weight: 1 }]]),
    multiplexed(buckets)
  )
  const reached = reachedRows(metadata, key)
  return {
    reading: { features, keyLayout, buckets },
    reachedRows: reached,
    columns: columnsOf(features),
    metadata: keepRows(metadata, reached),
    toldApart: differentItems(metadata, items.length) / Math.max(1, items.length),
    key: keepRows(key, reached)
  }
}

/** Items by the rows that they read; those that read the same count once. */
function differentItems({ starts, rows }: Lookups, itemCount: number): number {
  const columns = (starts.length - 1) / itemCount
  const read = Array.from({ length: itemCount }, (_, item) =>
    rows.subarray(starts[item * columns], starts[(item + 1) * columns]).join()
  )
  return new Set(read).size
}

/** Rows that fit the byte budget. */
function rowsIn(tableBytes: number, rowWidth: number): number {
  return Math.floor(tableBytes / (rowWidth * Float32Array.BYTES_PER_ELEMENT))
}

/** [items] */
export function countClicks(sessions: readonly SessionInput[], itemCount: number): Int32Array {
  const clicks = new Int32Array(itemCount)
  for (const { items } of sessions) for (const item of items) clicks[item]!++
  return clicks
}

export function countTargets(sessions: readonly SessionInput[]): number {
  return sessions.reduce((sum, { items }) => sum + Math.max(0, items.length - 1), 0)
}

function shareOfRepeats(sessions: readonly SessionInput[]): number {
  let [repeats, targets] = [0, 0]
  for (const { items } of sessions) {
    const seen = new Set<number>()
    items.forEach((item, n) => {
      if (n > 0) targets++
      if (seen.has(item)) repeats++
      seen.add(item)
    })
  }
  return repeats / Math.max(1, targets)
}

/** Every nth session, about `count` of them, so that all of the time is covered. */
export function sampleOf<T>(all: readonly T[], count: number): readonly T[] {
  const step = Math.max(1, Math.floor(all.length / count))
  return all.filter((_, i) => i % step === 0)
}

/** Questions that tell one setting from another well enough; all of them would take as long as training. */
const enoughQuestions = 4000

/** Validation sessions with about four thousand questions: what epochs, decoder and blend are chosen by. */
export function validationSample({
  validation,
  asked
}: Pick<TrainingSet, 'validation' | 'asked'>): readonly SessionInput[] {
  const clicks = validation.reduce((sum, { items }) => sum + Math.max(0, items.length - 1), 0)
  const questions = asked === 'last-click' ? validation.length : clicks
  return sampleOf(validation, Math.ceil((validation.length * enoughQuestions) / questions))
}
