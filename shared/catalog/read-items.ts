// Reads of the catalogue.
import type { Connection } from '#shared/database/pool.ts'
import type { AttributeValue, Item } from './item.ts'

interface ItemRow {
  readonly item_key: string
  readonly attributes: Record<string, AttributeValue>
  readonly is_visible: boolean
  readonly properties?: Record<string, unknown>
}

/**
 * The whole catalogue, hidden items included, in the order of their keys. Without `properties`: what
 * reads all of it makes features, and those are made of attributes alone.
 */
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
    `select item_key, attributes, is_visible, properties from items
     where item_key collate "C" > $1 and is_visible
     order by item_key collate "C" limit $2`,
    [page.after, page.limit]
  )
  return rows.map(itemOf)
}

/** One item; undefined when there is none. */
export async function readItem(connection: Connection, key: string): Promise<Item | undefined> {
  const { rows } = await connection.query<ItemRow>(
    'select item_key, attributes, is_visible, properties from items where item_key = $1',
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

/**
 * At most `limit` keys, in their order, of items that may not be shown, and have not changed since a
 * version of the catalogue.
 */
export async function readHiddenKeys(
  connection: Connection,
  page: { readonly upToVersion: number; readonly after: string; readonly limit: number }
): Promise<string[]> {
  const { rows } = await connection.query<{ item_key: string }>(
    `select item_key from items
     where not is_visible and version <= $1 and item_key collate "C" > $2
     order by item_key collate "C" limit $3`,
    [page.upToVersion, page.after, page.limit]
  )
  return rows.map(row => row.item_key)
}

/** An item as a change left it. */
export interface ChangedItem extends Item {
  readonly version: number
}

/**
 * At most `limit` items that changed after a version of the catalogue, in the order of their versions.
 * Changes commit in that order (migrations/0008): nothing can appear later before the last of them.
 */
export async function readChangedItems(
  connection: Connection,
  page: { readonly after: number; readonly limit: number }
): Promise<ChangedItem[]> {
  const { rows } = await connection.query<ItemRow & { version: number }>(
    `select item_key, attributes, is_visible, version from items
     where version > $1 order by version limit $2`,
    [page.after, page.limit]
  )
  return rows.map(row => ({ ...itemOf(row), version: row.version }))
}

/** Version of the newest change; 0 for an empty catalogue. */
export async function catalogVersion(connection: Connection): Promise<number> {
  const { rows } = await connection.query<{ version: number }>(
    'select coalesce(max(version), 0) as version from items'
  )
  return Number(rows[0]!.version)
}

function itemOf({ item_key: key, attributes, is_visible: isVisible, properties }: ItemRow): Item {
  const hasMore = properties !== undefined && Object.keys(properties).length > 0
  return { key, attributes, isVisible, ...(hasMore && { properties }) }
}
