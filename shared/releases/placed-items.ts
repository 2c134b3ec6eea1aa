// The IDs of items that came after a release was trained, in Postgres: all processes that answer with the
// release give an item the same ID, and so does the process that starts tomorrow.
import type { Connection } from '#shared/database/pool.ts'

/** An item that came later: its number in the release, and its ID. */
export interface PlacedItem {
  readonly key: string
  readonly number: number
  readonly codes: readonly number[]
}

/** At most `limit` items from a number on, in the order of their numbers. */
export async function readPlacedItems(
  connection: Connection,
  releaseId: string,
  { from, limit }: { readonly from: number; readonly limit: number }
): Promise<PlacedItem[]> {
  const { rows } = await connection.query<PlacedItem>(
    `select item_key as key, item_number as number, codes from placed_items
     where release_id = $1 and item_number >= $2 order by item_number limit $3`,
    [releaseId, from, limit]
  )
  return rows
}

/**
 * Lets nobody else place items of the release until the transaction ends. Who waits longer than half a
 * second gives up (SQLSTATE 55P03), and who holds it and has nothing to say for ten seconds loses it.
 */
export async function lockPlacing(connection: Connection, releaseId: string): Promise<void> {
  await connection.query(
    `set local lock_timeout = '500ms'; set local idle_in_transaction_session_timeout = '10s'`
  )
  await connection.query(
    `select pg_advisory_xact_lock(hashtextextended('nextrie placed items ' || $1, 0))`,
    [releaseId]
  )
}

/** The caller holds the lock, and has read all that was placed before. */
export async function insertPlacedItems(
  connection: Connection,
  releaseId: string,
  items: readonly PlacedItem[]
): Promise<void> {
  await connection.query(
    `insert into placed_items (release_id, item_number, item_key, codes)
     select $1, number, key, codes::integer[]
     from unnest($2::integer[], $3::text[], $4::text[]) as placed (number, key, codes)`,
    [
      releaseId,
      items.map(({ number }) => number),
      items.map(({ key }) => key),
      items.map(({ codes }) => `{${codes.join()}}`)
    ]
  )
}
