// Changes to the catalogue. Each change draws a new version, so that a running service can ask what
// changed since it last looked.
import type { Connection } from '#shared/database/pool.ts'
import type { Item } from './item.ts'

/** Adds items or replaces all that is known of them; of two items with one key the last counts. */
export async function upsertItems(connection: Connection, items: readonly Item[]): Promise<void> {
  const last = [...new Map(items.map(item => [item.key, item])).values()]
  await connection.query(
    `insert into items (item_key, attributes, is_visible, properties)
     select * from unnest($1::text[], $2::jsonb[], $3::boolean[], $4::jsonb[])
     on conflict (item_key) do update set
       attributes = excluded.attributes,
       is_visible = excluded.is_visible,
       properties = excluded.properties,
       version = nextval('item_versions'),
       updated_at = now()`,
    [
      last.map(item => item.key),
      last.map(item => JSON.stringify(item.attributes)),
      last.map(item => item.isVisible),
      last.map(item => JSON.stringify(item.properties ?? {}))
    ]
  )
}

/**
 * Takes items out of the catalogue. The row stays, hidden and without attributes, because the log
 * still names it and other processes must learn of the removal.
 */
export async function removeItems(connection: Connection, keys: readonly string[]): Promise<void> {
  await connection.query(
    `update items set
       attributes = '{}',
       is_visible = false,
       properties = '{}',
       version = nextval('item_versions'),
       updated_at = now()
     where item_key = any($1::text[])`,
    [keys]
  )
}

/** Waits until all that others have begun to write is committed, and keeps them out until we have. */
export async function lockItems(connection: Connection): Promise<void> {
  await connection.query('select pg_advisory_xact_lock(7203061925)') // as migration 8 does
}
