// Gives new items their IDs under one release, the same in every process. It takes the release's lock in
// Postgres, reads which items others have placed meanwhile, places those that are still without an ID, and
// writes them down in the same transaction. When that has committed, the release takes them in, as every
// other process does that reads them.
import type { Item } from '#shared/catalog/item.ts'
import { type Connection, type Pool, withTransaction } from '#shared/database/pool.ts'
import type { LivingCatalogue } from '#shared/recommendations/recommender.ts'
import { insertPlacedItems, lockPlacing, readPlacedItems } from '#shared/releases/placed-items.ts'

export interface PlacingFacts {
  readonly pool: Pool
  readonly releaseId: string
  readonly catalogue: LivingCatalogue
}

/** An item that found no room, and why. */
export interface RefusedItem {
  readonly key: string
  readonly reason: string
}

const placedPerPage = 20_000
/** Every process has the same room, unless another version of the program gave the IDs. */
const noRoomHere = 'another process has given IDs for which there is no room here: run one version'

/** Takes in the IDs that this or another process has given. @returns false where they found no room. */
export async function adoptPlaced(
  connection: Connection,
  releaseId: string,
  catalogue: LivingCatalogue
): Promise<boolean> {
  for (;;) {
    const from = catalogue.nextNumber()
    const placed = await readPlacedItems(connection, releaseId, { from, limit: placedPerPage })
    const adopted = placed.length > 0 ? await catalogue.adopt(placed) : 0
    if (adopted < placed.length) return false
    if (placed.length < placedPerPage) return true
  }
}

/** @returns the items that found no room. */
export async function placeNewItems(
  { pool, releaseId, catalogue }: PlacingFacts,
  items: readonly Item[]
): Promise<readonly RefusedItem[]> {
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
