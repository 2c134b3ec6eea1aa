// Where `nextrie index` takes items, sessions and IDs from: a data set folder, or the database, whose
// live release has IDs already. Without a trained model item vectors are made of what the catalogue
// says alone, so that any scheme can be looked at before anything was trained.
import { deriveFeatures } from '#shared/catalog/derive-features.ts'
import type { Item } from '#shared/catalog/item.ts'
import { itemFeatures } from '#shared/catalog/item-features.ts'
import { readItems } from '#shared/catalog/read-items.ts'
import type { Pool } from '#shared/database/pool.ts'
import { lastPosition, readEvents } from '#shared/eventlog/read-events.ts'
import { checkEvent } from '#shared/events/decode-event.ts'
import { checkItem } from '#shared/events/decode-item.ts'
import { assignItemIds } from '#shared/itemids/assign-item-ids.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import type { ExplainedCatalogue } from '#shared/itemids/explain-item.ts'
import type { ItemIds, Scheme } from '#shared/itemids/item-ids.ts'
import type { Placing } from '#shared/itemids/place-item.ts'
import type { FitProgress, SchemeSettings } from '#shared/itemids/scheme.ts'
import type { Trie } from '#shared/itemids/trie.ts'
import { type PlacedItem, readPlacedItems } from '#shared/releases/placed-items.ts'
import { liveRelease } from '#shared/releases/registry.ts'
import { readRelease } from '#shared/releases/release-folder.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { cutSessions, type SessionEvent } from '#shared/sessions/cut-sessions.ts'
import { findDataset, readEventLines, readItemLines } from './read-dataset.ts'

export interface CatalogueSource {
  /** Where it is from, in words. */
  readonly name: string
  readonly items: readonly Item[]
  /** Of the whole log, oldest first. */
  readonly sessions: readonly Int32Array[]
  /** The IDs of the live release, where there is one. */
  readonly released?: ReleasedIds | undefined
}

interface ReleasedIds {
  readonly releaseId: string
  readonly itemKeys: readonly string[]
  readonly itemIds: ItemIds
  readonly placing: Placing
}

export interface IndexedCatalogue extends ExplainedCatalogue {
  readonly name: string
  readonly itemIds: ItemIds
  readonly trie: Trie
  /** How the IDs came to be, in words. */
  readonly origin: string
}

export interface SourceTask {
  /** A longer pause between two clicks ends a session. */
  readonly gapMinutes: number
}

/** Placed items that are read at once. */
const placedPerPage = 10_000
/** Numbers of a vector made of what the catalogue says. */
const width = 64

export async function readDatasetSource(
  pathOrName: string,
  { gapMinutes }: SourceTask
): Promise<CatalogueSource> {
  const folder = findDataset(pathOrName)
  const items: Item[] = []
  for await (const line of readItemLines(folder)) {
    const checked = 'message' in line ? checkItem(line.message) : line
    if ('rejected' in checked) throw rejected(folder, line.line, checked.rejected)
    items.push(checked.item)
  }
  const events: SessionEvent[] = []
  for await (const line of readEventLines(folder)) {
    const checked = 'message' in line ? checkEvent(line.message) : line
    if ('rejected' in checked) throw rejected(folder, line.line, checked.rejected)
    events.push(checked.event)
  }
  return { name: folder, items, sessions: sessionsOf(events, items, gapMinutes) }
}

function rejected(folder: string, line: number, reason: string): RecommenderError {
  return new RecommenderError('DATASET_INVALID', `line ${line} of ${folder}: ${reason}`)
}

/**
 * @param task with the live release or without: its folder has to be there only where it is read.
 * @throws RecommenderError ITEM_INVALID later, when the catalogue is empty.
 */
export async function readDatabaseSource(
  pool: Pool,
  { gapMinutes, withRelease }: SourceTask & { readonly withRelease: boolean }
): Promise<CatalogueSource> {
  const items = await readItems(pool)
  const events: SessionEvent[] = []
  for await (const batch of readEvents(pool, { after: 0, upTo: await lastPosition(pool) })) {
    for (const { sessionId, type, itemKey, occurredAt } of batch) {
      events.push({ sessionId, type, itemKey, occurredAt })
    }
  }
  const name = 'the catalogue of DATABASE_URL'
  const released = withRelease ? await releasedIds(pool) : undefined
  return { name, items, sessions: sessionsOf(events, items, gapMinutes), released }
}

async function releasedIds(pool: Pool): Promise<ReleasedIds | undefined> {
  const live = await liveRelease(pool)
  if (!live) return undefined
  const { readModel } = await import('#shared/recommendations/model-files.ts')
  const { releaseId } = live
  const { itemKeys, itemIds, placing } = readModel((await readRelease(live.location)).files)
  const released = { releaseId, itemKeys, itemIds, placing }
  return withLater(released, await laterItems(pool, releaseId, itemKeys.length))
}

/** Items that came after the release, in the order of their numbers. */
async function laterItems(pool: Pool, releaseId: string, released: number): Promise<PlacedItem[]> {
  const found: PlacedItem[] = []
  for (;;) {
    const from = released + found.length
    const page = await readPlacedItems(pool, releaseId, { from, limit: placedPerPage })
    found.push(...page)
    if (page.length < placedPerPage) return found
  }
}

/** Their numbers follow those of the release without a gap, and their last codes may be larger ones. */
function withLater(released: ReleasedIds, later: readonly PlacedItem[]): ReleasedIds {
  const { depth, codes, levelSizes } = released.itemIds
  const last = later.reduce((most, placed) => Math.max(most, placed.codes.at(-1)!), 0)
  return {
    ...released,
    itemKeys: [...released.itemKeys, ...later.map(({ key }) => key)],
    itemIds: {
      ...released.itemIds,
      codes: Int32Array.from([...codes, ...later.flatMap(placed => placed.codes)]),
      levelSizes: levelSizes.with(depth - 1, Math.max(levelSizes[depth - 1]!, last + 1))
    }
  }
}

function sessionsOf(
  events: readonly SessionEvent[],
  items: readonly Item[],
  gapMinutes: number
): Int32Array[] {
  const numberOf = new Map(items.map(({ key }, number) => [key, number]))
  return cutSessions(events, { gapMinutes }).map(({ clicks }) =>
    Int32Array.from(clicks.flatMap(({ itemKey }) => numberOf.get(itemKey) ?? []))
  )
}

export interface IndexTask {
  readonly scheme: Scheme | undefined
  readonly seed: number
  readonly settings?: SchemeSettings
  readonly onProgress?: FitProgress
}

/** By the scheme, or the IDs of the live release where no scheme is named, or by the standard one. */
export function indexCatalogue(
  { name, items, sessions, released }: CatalogueSource,
  { scheme, seed, settings, onProgress }: IndexTask
): IndexedCatalogue {
  if (scheme === undefined && released) return releasedCatalogue(name, released, items, sessions)
  const vectors = describedVectors(items)
  const { itemIds, placing } = assignItemIds(scheme ?? 'residual-kmeans', {
    items,
    sessions,
    width,
    vectors,
    metadataVectors: vectors,
    random: createRandom(seed),
    ...(settings && { settings }),
    ...(onProgress && { onProgress })
  })
  return {
    scheme: itemIds.scheme,
    name,
    items,
    clicks: clicksOf(sessions, items.length),
    itemIds,
    trie: buildTrie(itemIds),
    reading: placing.reading,
    origin: `${itemIds.scheme}, seed ${seed}, from all sessions and what the catalogue says`
  }
}

/** Items of the release and those that came later, in its numbering; one that has left the catalogue is known by its key alone. */
function releasedCatalogue(
  name: string,
  { releaseId, itemKeys, itemIds, placing }: ReleasedIds,
  items: readonly Item[],
  sessions: readonly Int32Array[]
): IndexedCatalogue {
  const clicks = clicksOf(sessions, items.length)
  const numberOf = new Map(items.map(({ key }, number) => [key, number]))
  const placeOf = (key: string) => numberOf.get(key) ?? -1
  return {
    scheme: itemIds.scheme,
    name,
    items: itemKeys.map(key => items[placeOf(key)] ?? { key, attributes: {}, isVisible: false }),
    clicks: Int32Array.from(itemKeys, key => clicks[placeOf(key)] ?? 0),
    itemIds,
    trie: buildTrie(itemIds),
    reading: placing.reading,
    origin: `${itemIds.scheme}, as in the live release ${releaseId}`
  }
}

function clicksOf(sessions: readonly Int32Array[], itemCount: number): Int32Array {
  const clicks = new Int32Array(itemCount)
  for (const session of sessions) for (const item of session) clicks[item]!++
  return clicks
}

/** [items, width] sums of a fixed random direction for each value of each feature. */
function describedVectors(items: readonly Item[]): Float32Array {
  const features = deriveFeatures(items)
  const directions = new Map<string, Float32Array>()
  const random = createRandom(1)
  const vectors = new Float32Array(items.length * width)
  items.forEach((item, i) => {
    itemFeatures(item, features).forEach((values, f) => {
      for (const { value, weight } of values) {
        const name = `${features[f]!.name} ${value}`
        const direction =
          directions.get(name) ?? Float32Array.from({ length: width }, random.normal)
        directions.set(name, direction)
        for (let d = 0; d < width; d++) vectors[i * width + d]! += weight * direction[d]!
      }
    })
  })
  return vectors
}
