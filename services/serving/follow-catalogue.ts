// Brings what changes in the catalogue to one release that answers: items added, described anew, hidden,
// shown and removed. Told by a notification, or by the clock where that was lost, it reads what changed
// since it last looked, in pages, and hands it to the release's thread. New items get an ID first:
//
// 1. It takes the release's lock in Postgres and reads which items others have placed meanwhile.
// 2. Items that are still without an ID are placed, and written down in the same transaction.
// 3. When that has committed, the release takes them in, as every other process does that reads them.
//
// What has an ID already waits for none of this: it is updated first, and where items cannot be placed now
// (another process holds the lock, say) also behind them, so that what is hidden leaves the answers.
//
// So all processes give an item the same ID, whichever comes first, and one that starts later reads the
// IDs before anything else. Where a step fails nothing is half done: the next look begins at the version
// before it.
import type { Item } from '#shared/catalog/item.ts'
import { readChangedItems, readHiddenKeys } from '#shared/catalog/read-items.ts'
import { type Connection, type Pool, withinMs, withTransaction } from '#shared/database/pool.ts'
import type { LivingCatalogue } from '#shared/recommendations/recommender.ts'
import { insertPlacedItems, lockPlacing, readPlacedItems } from '#shared/releases/placed-items.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { Logger } from '#shared/runtime/logging.ts'

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

export interface CatalogueFacts {
  readonly pool: Pool
  readonly log: Logger
  readonly releaseId: string
  readonly catalogue: LivingCatalogue
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
): Promise<readonly Refused[]> {
  const { catalogue, log } = facts
  try {
    const missing = items.filter(({ key, isVisible }) => isVisible && !catalogue.hasId(key))
    if (missing.length < items.length) await catalogue.update(without(items, missing))
    const refused = missing.length > 0 ? await placeItems(facts, missing) : []
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

/** Takes in the IDs that this or another process has given. @returns false where they found no room. */
async function adoptPlaced(
  connection: Connection,
  releaseId: string,
  catalogue: LivingCatalogue
): Promise<boolean> {
  for (;;) {
    const from = catalogue.nextNumber()
    const placed = await readPlacedItems(connection, releaseId, { from, limit: keysPerPage })
    const adopted = placed.length > 0 ? await catalogue.adopt(placed) : 0
    if (adopted < placed.length) return false
    if (placed.length < keysPerPage) return true
  }
}

/** Every process has the same room, unless another version of the program gave the IDs. */
const noRoomHere = 'another process has given IDs for which there is no room here: run one version'

interface Refused {
  readonly key: string
  readonly reason: string
}

/** @returns the items that found no room. */
async function placeItems(
  { pool, releaseId, catalogue }: CatalogueFacts,
  items: readonly Item[]
): Promise<readonly Refused[]> {
  const placed = await withTransaction(pool, async connection => {
    await lockPlacing(connection, releaseId)
    const hasAll = await adoptPlaced(connection, releaseId, catalogue)
    const missing = items.filter(({ key }) => !catalogue.hasId(key))
    if (!hasAll)
      return { placements: [], refused: missing.map(({ key }) => ({ key, reason: noRoomHere })) }
    if (missing.length === 0) return { placements: [], refused: [] }
    const found = await catalogue.place(missing)
    if (found.placements.length > 0) {
      await insertPlacedItems(connection, releaseId, found.placements)
    }
    return found
  })
  await catalogue.adopt(placed.placements)
  return placed.refused
}

/** Counts the items that found no room, and says so while it is news. */
class WithoutRoom {
  readonly #facts: CatalogueFacts
  readonly #keys = new Set<string>()
  #told = 0

  constructor(facts: CatalogueFacts) {
    this.#facts = facts
  }

  get count(): number {
    return this.#keys.size
  }

  /** @param items those that were taken in, of which some found no room: none of the others waits for any. */
  settle(items: readonly Item[], refused: readonly Refused[]): void {
    for (const { key } of items) this.#keys.delete(key)
    for (const { key } of refused) this.#keys.add(key)
    if (this.#keys.size < 2 * this.#told || this.#keys.size === 0 || refused.length === 0) return
    this.#told = this.#keys.size
    const { log, releaseId, catalogue } = this.#facts
    const { reason } = refused[0]!
    log.warn(
      { release: releaseId, items: this.#keys.size, room: catalogue.room, reason },
      'items found no room in the release: train again'
    )
  }
}
