// The items of one release that pass a request's filter. Postgres is asked once for each filter; after
// that the answer, a bit for each item, follows the changes of the catalogue, of which only those since
// the last look are read. The filters used last are kept.
import type { ItemCondition } from '#shared/catalog/item-condition.ts'
import { catalogVersion } from '#shared/catalog/read-items.ts'
import { selectChanged, selectItems } from '#shared/catalog/select-items.ts'
import type { Pool } from '#shared/database/pool.ts'
import type { ItemSelection, SelectItems } from '#shared/recommendations/item-selection.ts'

/** Of a release of a million items one takes 125 kB. */
const filtersKept = 256
const keysPerPage = 20_000
/** A selection is good for this time before the catalogue's version is asked again. */
const lookEveryMs = 1000
/**
 * Versions are drawn before they are committed, so a slow transaction can appear below one that was
 * already seen. After this time everything is read again.
 */
const surelyEveryMs = 60_000

interface Kept {
  readonly selection: ItemSelection
  readonly version: number
  /** In ms of performance.now(). */
  readonly readAt: number
  readonly lookedAt: number
}

export interface ItemFilters {
  /** The items that pass. @throws what the pool throws: without Postgres no filter is answered. */
  of(condition: ItemCondition): Promise<ItemSelection>
}

export function createItemFilters(pool: Pool, select: SelectItems): ItemFilters {
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
        ? before.then(known => refreshed(known, condition, { pool, select }))
        : readAll(condition, { pool, select })
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
}

/** Page by page: the event loop is not held up by a million keys, nor memory by all of them. */
async function readAll(condition: ItemCondition, { pool, select }: Reading): Promise<Kept> {
  const readAt = performance.now()
  const version = await catalogVersion(pool) // before the items: what comes between is read again
  let selection = select([])
  for (let after: string | undefined = ''; after !== undefined; ) {
    const keys: string[] = await selectItems(pool, condition, { after, limit: keysPerPage })
    selection = select(
      keys.map(key => ({ key, isIn: true })),
      selection
    )
    after = keys.length === keysPerPage ? keys.at(-1) : undefined
  }
  return { selection, version, readAt, lookedAt: readAt }
}

async function refreshed(known: Kept, condition: ItemCondition, reading: Reading): Promise<Kept> {
  const now = performance.now()
  if (now - known.lookedAt < lookEveryMs) return known
  if (now - known.readAt > surelyEveryMs) return readAll(condition, reading)
  const version = await catalogVersion(reading.pool)
  if (version === known.version) return { ...known, lookedAt: now }
  const changed = await selectChanged(reading.pool, condition, known.version)
  return { ...known, selection: reading.select(changed, known.selection), version, lookedAt: now }
}
