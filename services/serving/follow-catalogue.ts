// Brings what changes in the catalogue to one release that answers: items added, described anew, hidden,
// shown and removed. Told by a notification, or by the clock where that was lost, it reads what changed
// since it last looked, in pages, and hands it to the release's thread. New items get an ID first
// (place-new-items.ts). What has an ID already waits for none of this: it is updated first, and where items cannot be placed now
// (another process holds the lock, say) also behind them, so that what is hidden leaves the answers.
//
// So all processes give an item the same ID, whichever comes first, and one that starts later reads the
// IDs before anything else. Where a step fails nothing is half done: the next look begins at the version
// before it.
import type { Item } from '#shared/catalog/item.ts'
import { readChangedItems, readHiddenKeys } from '#shared/catalog/read-items.ts'
import { type Pool, withinMs } from '#shared/database/pool.ts'
import type { LivingCatalogue } from '#shared/recommendations/recommender.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { Logger } from '#shared/runtime/logging.ts'
import {
  adoptPlaced,
  type PlacingFacts,
  placeNewItems,
  type RefusedItem
} from './place-new-items.ts'
import { WithoutRoom } from './without-room.ts'

export interface FollowedCatalogue {
  /** The version of the catalogue up to which every change is taken in. */
  version(): number
  /** Takes in all that has committed before this is called. */
  refresh(): Promise<void>
  state(): CatalogueState
}

export interface CatalogueState {
  /** Items that came after the release was trained and have an ID. */
  readonly added: number
  /** How many may come. */
  readonly room: number
  /** Visible items that found no room: they are not recommended before the next training. */
  readonly withoutRoom: number
  /** Items that could not be taken in: the log names each, with the fault. */
  readonly faulty: number
  /** Since all changes were last taken in: about a second at most while all is well. */
  readonly secondsBehind: number
}

export interface CatalogueFacts extends PlacingFacts {
  readonly log: Logger
  /** Called after each page with the number of changed items that were taken in so far. */
  readonly onProgress?: (items: number) => void
}

/** A page takes a fraction of a second: others wait for its lock no longer. */
const itemsPerPage = 500
const keysPerPage = 20_000
/** Where another process holds the lock, a look waits so many times half a second. */
const lockTries = 30
/** Reads the whole catalogue, once. */
const hiddenKeysMs = 60_000

/** @returns when the release is as the catalogue is now. */
export async function followCatalogue(facts: CatalogueFacts): Promise<FollowedCatalogue> {
  const { pool, releaseId, catalogue } = facts
  await adoptPlaced(pool, releaseId, catalogue)
  await hideKeys(pool, catalogue)
  const withoutRoom = new WithoutRoom(facts)
  const faulty = new Set<string>()
  let version = catalogue.trainedVersion
  let updatedVersion = version
  let lookedAt = performance.now()
  let taken = 0
  let running: Promise<void> | undefined
  let following: Promise<void> | undefined

  const look = async () => {
    for (let tries = 1; ; ) {
      const items = await readChangedItems(pool, { after: version, limit: itemsPerPage })
      try {
        withoutRoom.settle(items, await takeIn(facts, items, faulty))
      } catch (error) {
        await updateAhead()
        if (!isLocked(error) || ++tries > lockTries) throw error
        continue
      }
      tries = 1
      version = items.at(-1)?.version ?? version
      taken += items.length
      facts.onProgress?.(taken)
      lookedAt = performance.now()
      if (items.length < itemsPerPage) return
    }
  }
  /** Only what has an ID: the items are read again from `version` on. */
  const updateAhead = async () => {
    for (;;) {
      const after = Math.max(version, updatedVersion)
      const items = await readChangedItems(pool, { after, limit: itemsPerPage })
      await updateKnown(facts, items)
      updatedVersion = items.at(-1)?.version ?? updatedVersion
      if (items.length < itemsPerPage) return
    }
  }
  const refresh = (): Promise<void> => {
    if (running) {
      // What is under way may have read before the caller's change committed: one more look follows.
      following ??= running
        .catch(() => undefined)
        .then(() => {
          following = undefined
          return refresh()
        })
      return following
    }
    running = look().finally(() => {
      running = undefined
    })
    return running
  }
  await refresh().catch(error => {
    if (!isLocked(error)) throw error
    facts.log.warn({ release: releaseId, err: error }, 'new items are placed later')
  })
  return {
    version: () => version,
    refresh,
    state: () => ({
      added: catalogue.added(),
      room: catalogue.room,
      withoutRoom: withoutRoom.count,
      faulty: faulty.size,
      secondsBehind: Math.floor((performance.now() - lookedAt) / 1000)
    })
  }
}

/** lock_not_available: another process holds the lock. */
function isLocked(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '55P03'
}

/** One that cannot be updated spoils no other, and is told of when the items are taken in. */
async function updateKnown(facts: CatalogueFacts, items: readonly Item[]): Promise<void> {
  try {
    await facts.catalogue.update(items)
  } catch (error) {
    if (!isItemsFault(error)) throw error
    if (items.length === 1) return
    for (const item of items) await updateKnown(facts, [item])
  }
}

function isItemsFault(error: unknown): boolean {
  return error instanceof RecommenderError && error.code === 'ITEM_INVALID'
}

/**
 * An item that cannot be taken in keeps no other one out. What is no item's fault is thrown: the same
 * items are read again.
 *
 * @param faulty keys of the items that could not be taken in, kept up to date.
 * @returns the items that found no room.
 */
async function takeIn(
  facts: CatalogueFacts,
  items: readonly Item[],
  faulty: Set<string>
): Promise<readonly RefusedItem[]> {
  const { catalogue, log } = facts
  try {
    const missing = items.filter(({ key, isVisible }) => isVisible && !catalogue.hasId(key))
    if (missing.length < items.length) await catalogue.update(without(items, missing))
    const refused = missing.length > 0 ? await placeNewItems(facts, missing) : []
    if (missing.length > 0) await catalogue.update(missing)
    for (const { key } of items) faulty.delete(key)
    return refused
  } catch (error) {
    if (!isItemsFault(error)) throw error
    if (items.length === 1) {
      faulty.add(items[0]!.key)
      log.error({ item: items[0]!.key, err: error }, 'an item could not be taken in')
      return []
    }
    const alone = []
    for (const item of items) alone.push(...(await takeIn(facts, [item], faulty)))
    return alone
  }
}

function without(items: readonly Item[], others: readonly Item[]): Item[] {
  const left = new Set(items)
  for (const item of others) left.delete(item)
  return [...left]
}

async function hideKeys(pool: Pool, catalogue: LivingCatalogue): Promise<void> {
  const hidden: string[] = []
  const reading = withinMs(pool, hiddenKeysMs)
  for (let after: string | undefined = ''; after !== undefined; ) {
    const upToVersion = catalogue.trainedVersion
    const keys: string[] = await readHiddenKeys(reading, { upToVersion, after, limit: keysPerPage })
    for (const key of keys) hidden.push(key)
    after = keys.length === keysPerPage ? keys.at(-1) : undefined
  }
  if (hidden.length > 0) await catalogue.hide(hidden)
}
