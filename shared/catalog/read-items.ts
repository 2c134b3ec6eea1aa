// Reads of the catalogue.
import type { Connection } from '#shared/database/pool.ts'
import type { AttributeValue, Item } from './item.ts'

interface ItemRow {
  readonly item_key: string
  readonly attributes: Record<string, AttributeValue>
  readonly is_visible: boolean
}

/** The whole catalogue, hidden items included, in the order of their keys. */
export async function readItems(connection: Connection): Promise<Item[]> {
  const { rows } = await connection.query<ItemRow>(
    'select item_key, attributes, is_visible from items order by item_key collate "C"'
  )
  return rows.map(itemOf)
}

/** At most `limit` visible items whose keys follow `after`. */
export async function readItemsPage(
  connection: Connection,
  page: { readonly after: string; readonly limit: number }
): Promise<Item[]> {
  const { rows } = await connection.query<ItemRow>(
    `select item_key, attributes, is_visible from items
     where item_key collate "C" > $1 and is_visible
     order by item_key collate "C" limit $2`,
    [page.after, page.limit]
  )
  return rows.map(itemOf)
}

/** One item; undefined when there is none. */
export async function readItem(connection: Connection, key: string): Promise<Item | undefined> {
  const { rows } = await connection.query<ItemRow>(
    'select item_key, attributes, is_visible from items where item_key = $1',
    [key]
  )
  return rows[0] && itemOf(rows[0])
}

/** Attributes by item key; keys that the catalogue does not have are left out. */
export async function readAttributes(
  connection: Connection,
  keys: readonly string[]
): Promise<ReadonlyMap<string, Item['attributes']>> {
  const { rows } = await connection.query<ItemRow>(
    'select item_key, attributes, is_visible from items where item_key = any($1::text[])',
    [keys]
  )
  return new Map(rows.map(row => [row.item_key, row.attributes]))
}

/** Keys of the items that may not be shown. */
export async function readHiddenKeys(connection: Connection): Promise<string[]> {
  const { rows } = await connection.query<{ item_key: string }>(
    'select item_key from items where not is_visible'
  )
  return rows.map(row => row.item_key)
}

/** Version of the newest change; 0 for an empty catalogue. */
export async function catalogVersion(connection: Connection): Promise<number> {
  const { rows } = await connection.query<{ version: number }>(
    'select coalesce(max(version), 0) as version from items'
  )
  return Number(rows[0]!.version)
}

function itemOf(row: ItemRow): Item {
  return { key: row.item_key, attributes: row.attributes, isVisible: row.is_visible }
}
