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
import type { Trie } from '#shared/itemids/trie.ts'
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

const gapMinutes = 30
/** Numbers of a vector made of what the catalogue says. */
const width = 64

export async function readDatasetSource(pathOrName: string): Promise<CatalogueSource> {
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
  return { name: folder, items, sessions: sessionsOf(events, items) }
}

function rejected(folder: string, line: number, reason: string): RecommenderError {
  return new RecommenderError('DATASET_INVALID', `line ${line} of ${folder}: ${reason}`)
}

/** @throws RecommenderError ITEM_INVALID later, when the catalogue is empty. */
export async function readDatabaseSource(pool: Pool): Promise<CatalogueSource> {
  const items = await readItems(pool)
  const events: SessionEvent[] = []
  for await (const batch of readEvents(pool, { after: 0, upTo: await lastPosition(pool) })) {
    for (const { sessionId, type, itemKey, occurredAt } of batch) {
      events.push({ sessionId, type, itemKey, occurredAt })
    }
  }
  const name = 'the catalogue of DATABASE_URL'
  return { name, items, sessions: sessionsOf(events, items), released: await releasedIds(pool) }
}

async function releasedIds(pool: Pool): Promise<ReleasedIds | undefined> {
  const live = await liveRelease(pool)
  if (!live) return undefined
  const { readModel } = await import('#shared/recommendations/model-files.ts')
  const { itemKeys, itemIds, placing } = readModel((await readRelease(live.location)).files)
  return { releaseId: live.releaseId, itemKeys, itemIds, placing }
}

function sessionsOf(events: readonly SessionEvent[], items: readonly Item[]): Int32Array[] {
  const numberOf = new Map(items.map(({ key }, number) => [key, number]))
  return cutSessions(events, { gapMinutes }).map(({ clicks }) =>
    Int32Array.from(clicks.flatMap(({ itemKey }) => numberOf.get(itemKey) ?? []))
  )
}

/** By the scheme, or the IDs of the live release where no scheme is named, or by the standard one. */
export function indexCatalogue(
  { name, items, sessions, released }: CatalogueSource,
  { scheme, seed }: { readonly scheme: Scheme | undefined; readonly seed: number }
): IndexedCatalogue {
  if (scheme === undefined && released) return releasedCatalogue(name, released, items, sessions)
  const vectors = describedVectors(items)
  const { itemIds, placing } = assignItemIds(scheme ?? 'residual-kmeans', {
    items,
    sessions,
    width,
    vectors,
    metadataVectors: vectors,
    random: createRandom(seed)
  })
  return {
    name,
    items,
    clicks: clicksOf(sessions, items.length),
    itemIds,
    trie: buildTrie(itemIds),
    reading: placing.reading,
    origin: `${itemIds.scheme}, seed ${seed}, from all sessions and what the catalogue says`
  }
}

/** Items of the release in its numbering; one that has left the catalogue is known by its key alone. */
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
