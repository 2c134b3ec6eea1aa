// The items of one release that pass a request's filter. Postgres is asked once for each filter; after
// that the answer, a bit for each item, follows the changes of the catalogue, of which only those since
// the last look are read. It never runs ahead of the release, which takes in the same changes: an item
// that the release does not know yet is read again when it does. The filters used last are kept.
import type { ItemCondition } from '#shared/catalog/item-condition.ts'
import { selectChanged, selectItems } from '#shared/catalog/select-items.ts'
import type { Pool } from '#shared/database/pool.ts'
import type { ItemSelection, SelectItems } from '#shared/recommendations/item-selection.ts'

/** Of a release of a million items one takes 125 kB. */
const filtersKept = 256
const keysPerPage = 20_000
/** A selection is good for this time: each thread counts a new one at the nodes of the trie. */
const lookEveryMs = 1000

interface Kept {
  readonly selection: ItemSelection
  readonly version: number
  /** In ms of performance.now(). */
  readonly lookedAt: number
}

export interface ItemFilters {
  /** The items that pass. @throws what the pool throws: without Postgres no filter is answered. */
  of(condition: ItemCondition): Promise<ItemSelection>
}

/** @param versionOf the catalogue's version up to which the release has taken in all changes. */
export function createItemFilters(
  pool: Pool,
  select: SelectItems,
  versionOf: () => number
): ItemFilters {
  const reading = { pool, select, versionOf }
  const kept = new Map<string, Promise<Kept>>()

  const keep = (name: string, found: Promise<Kept>) => {
    kept.delete(name)
    kept.set(name, found)
    if (kept.size > filtersKept) kept.delete(kept.keys().next().value!)
  }
  return {
    async of(condition) {
      const name = JSON.stringify(condition)
      const before = kept.get(name)
      const found = before
        ? before.then(known => refreshed(known, condition, reading))
        : readAll(condition, reading)
      keep(name, found)
      try {
        return (await found).selection
      } catch (error) {
        if (kept.get(name) === found) kept.delete(name)
        throw error
      }
    }
  }
}

interface Reading {
  readonly pool: Pool
  readonly select: SelectItems
  readonly versionOf: () => number
}

/** Page by page: the event loop is not held up by a million keys, nor memory by all of them. */
async function readAll(
  condition: ItemCondition,
  { pool, select, versionOf }: Reading
): Promise<Kept> {
  const lookedAt = performance.now()
  const version = versionOf() // before the items: what comes between is read again
  let selection = select([])
  for (let after: string | undefined = ''; after !== undefined; ) {
    const keys: string[] = await selectItems(pool, condition, { after, limit: keysPerPage })
    selection = select(
      keys.map(key => ({ key, isIn: true })),
      selection
    )
    after = keys.length === keysPerPage ? keys.at(-1) : undefined
  }
  return { selection, version, lookedAt }
}

async function refreshed(known: Kept, condition: ItemCondition, reading: Reading): Promise<Kept> {
  const now = performance.now()
  if (now - known.lookedAt < lookEveryMs) return known
  const version = reading.versionOf()
  if (version === known.version) return { ...known, lookedAt: now }
  const changed = await selectChanged(reading.pool, condition, known.version)
  return { ...known, selection: reading.select(changed, known.selection), version, lookedAt: now }
}
