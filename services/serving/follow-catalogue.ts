// Brings what changes in the catalogue to one release that answers: items added, described anew, hidden,
// shown and removed. Told by a notification, or by the clock where that was lost, it reads what changed
// since it last looked, in pages, and hands it to the release's thread. New items get an ID first:
//
// 1. It takes the release's lock in Postgres and reads which items others have placed meanwhile.
// 2. Items that are still without an ID are placed, and written down in the same transaction.
// 3. When that has committed, the release takes them in, as every other process does that reads them.
//
// So all processes give an item the same ID, whichever comes first, and one that starts later reads the
// IDs before anything else. Where a step fails nothing is half done: the next look begins at the version
// before it.
import type { Item } from '#shared/catalog/item.ts'
import { readChangedItems, readHiddenKeys } from '#shared/catalog/read-items.ts'
import { type Connection, type Pool, withTransaction } from '#shared/database/pool.ts'
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

/** @returns when the release is as the catalogue is now. */
export async function followCatalogue(facts: CatalogueFacts): Promise<FollowedCatalogue> {
  const { pool, releaseId, catalogue } = facts
  await adoptPlaced(pool, releaseId, catalogue)
  await hideKeys(pool, catalogue)
  const withoutRoom = new WithoutRoom(facts)
  const faulty = new Set<string>()
  let version = catalogue.trainedVersion
  let taken = 0
  let running: Promise<void> | undefined
  let following: Promise<void> | undefined

  const look = async () => {
    for (;;) {
      const items = await readChangedItems(pool, { after: version, limit: itemsPerPage })
      withoutRoom.add(await takeIn(facts, items, faulty))
      version = items.at(-1)?.version ?? version
      taken += items.length
      facts.onProgress?.(taken)
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
  await refresh()
  return {
    version: () => version,
    refresh,
    state: () => ({
      added: catalogue.added(),
      room: catalogue.room,
      withoutRoom: withoutRoom.count,
      faulty: faulty.size
    })
  }
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
    const refused = missing.length > 0 ? await placeItems(facts, missing) : []
    await catalogue.update(items)
    for (const { key } of items) faulty.delete(key)
    return refused
  } catch (error) {
    if (!(error instanceof RecommenderError) || error.code !== 'ITEM_INVALID') throw error
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

async function hideKeys(pool: Pool, catalogue: LivingCatalogue): Promise<void> {
  const hidden: string[] = []
  for (let after: string | undefined = ''; after !== undefined; ) {
    const upToVersion = catalogue.trainedVersion
    const keys: string[] = await readHiddenKeys(pool, { upToVersion, after, limit: keysPerPage })
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

  add(refused: readonly Refused[]): void {
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
