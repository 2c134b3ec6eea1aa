// Which items pass a condition on their attributes: asked of Postgres, so that no process holds the
// attributes of a million items, and none is kept from answering while they are looked through.
import { type Connection, withinMs } from '#shared/database/pool.ts'
import type { ItemCondition } from './item-condition.ts'

/** What reads the whole catalogue may take this long, also where other statements may not. */
const wholeCatalogueMs = 15_000

/** Names of the attributes that items have, in no order. Reads the whole catalogue. */
export async function readAttributeNames(connection: Connection): Promise<Set<string>> {
  const { rows } = await withinMs(connection, wholeCatalogueMs).query<{ name: string }>(
    'select distinct jsonb_object_keys(attributes) as name from items'
  )
  return new Set(rows.map(({ name }) => name))
}

export interface ItemsPage {
  /** Keys follow this one. */
  readonly after: string
  readonly limit: number
}

/** At most `limit` keys of items that pass, in the order of the keys. */
export async function selectItems(
  connection: Connection,
  condition: ItemCondition,
  { after, limit }: ItemsPage
): Promise<string[]> {
  const { text, values } = sqlOf(condition, [after, limit])
  const { rows } = await withinMs(connection, wholeCatalogueMs).query<{ item_key: string }>(
    `select item_key from items where item_key collate "C" > $1 and ${text}
     order by item_key collate "C" limit $2`,
    values
  )
  return rows.map(row => row.item_key)
}

/** An item that changed, and whether it passes now. */
export interface ChangedSelection {
  readonly key: string
  readonly isIn: boolean
  readonly version: number
}

/** At most `limit` items that changed after a version of the catalogue, in the order of their versions. */
export async function selectChanged(
  connection: Connection,
  condition: ItemCondition,
  { after, limit }: { readonly after: number; readonly limit: number }
): Promise<ChangedSelection[]> {
  const { text, values } = sqlOf(condition, [after, limit])
  const { rows } = await connection.query<ChangedSelection>(
    `select item_key as key, ${text} as "isIn", version from items
     where version > $1 order by version limit $2`,
    values
  )
  return rows
}

interface Sql {
  readonly text: string
  readonly values: unknown[]
}

/** True or false of each item, never null. Values go in as parameters, after those given. */
function sqlOf(condition: ItemCondition, given: readonly unknown[]): Sql {
  const values = [...given]
  const parameter = (value: unknown) => `$${values.push(value)}`
  return { text: textOf(condition, parameter), values }
}

function textOf(condition: ItemCondition, parameter: (value: unknown) => string): string {
  const { attribute = '', and, or, not, min, max } = condition
  const joined = (parts: readonly ItemCondition[], word: string) =>
    `(${parts.map(part => textOf(part, parameter)).join(` ${word} `)})`
  if (and) return joined(and, 'and')
  if (or) return joined(or, 'or')
  if (not) return `(not ${textOf(not, parameter)})`
  const value = `(attributes -> ${parameter(attribute)}::text)`
  const wanted = condition.in ?? (condition.equals === undefined ? undefined : [condition.equals])
  if (wanted) {
    // A list contains the single values in it, and a single value itself.
    const texts = parameter(wanted.map(one => JSON.stringify(one)))
    return `coalesce(${value} @> any(${texts}::text[]::jsonb[]), false)`
  }
  const bounds = [
    ...(min === undefined ? [] : [`(${value})::numeric >= ${parameter(min)}::numeric`]),
    ...(max === undefined ? [] : [`(${value})::numeric <= ${parameter(max)}::numeric`])
  ]
  // case, since and does not promise to look left first
  return `(case when jsonb_typeof(${value}) = 'number' then ${bounds.join(' and ')} else false end)`
}
