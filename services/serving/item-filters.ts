// The items of one release that pass a request's filter. Postgres is asked once for each filter; after
// that the answer, a bit for each item, follows the changes of the catalogue, of which only those since
// the last look are read. It never runs ahead of the release, which takes in the same changes: an item
// that the release does not know yet is read again when it does. The filters used last are kept.
//
// Who asks for a filter that is being read joins that reading, and waits for it so long and no longer: the
// reading goes on, and whoever asks again finds it done. One that fails leaves what was known before.
import type { ItemCondition } from '#shared/catalog/item-condition.ts'
import { selectChanged, selectItems } from '#shared/catalog/select-items.ts'
import type { Pool } from '#shared/database/pool.ts'
import type { ItemSelection, SelectItems } from '#shared/recommendations/item-selection.ts'
import { inTime } from './in-time.ts'

/** Of a release of a million items one takes 125 kB. */
const filtersKept = 256
/** Reading a page keeps the event loop for some twenty milliseconds. */
const keysPerPage = 20_000
/** A selection is good for this time: each thread counts a new one at the nodes of the trie. */
const lookEveryMs = 1000

interface Known {
  readonly selection: ItemSelection
  readonly version: number
  /** In ms of performance.now(). */
  readonly lookedAt: number
}

interface Kept {
  known?: Known
  reading?: Promise<Known>
}

export interface ItemFilters {
  /**
   * The items that pass.
   *
   * @throws what the pool throws: without Postgres no filter is answered; DATABASE_UNAVAILABLE when the
   *   items could not be read in time.
   */
  of(condition: ItemCondition): Promise<ItemSelection>
}

export interface FilterFacts {
  readonly pool: Pool
  readonly select: SelectItems
  /** The catalogue's version up to which the release has taken in all changes. */
  readonly versionOf: () => number
}

/** @param patienceMs how long one question waits. */
export function createItemFilters(facts: FilterFacts, patienceMs?: number): ItemFilters {
  const kept = new Map<string, Kept>()

  const keptOf = (name: string): Kept => {
    const found = kept.get(name) ?? {}
    kept.delete(name)
    kept.set(name, found)
    if (kept.size > filtersKept) kept.delete(kept.keys().next().value!)
    return found
  }
  const read = async (of: Kept, condition: ItemCondition): Promise<Known> => {
    try {
      const known = of.known
      of.known = await (known ? refreshed(known, condition, facts) : readAll(condition, facts))
      return of.known
    } finally {
      delete of.reading
    }
  }
  return {
    async of(condition) {
      const one = keptOf(JSON.stringify(condition))
      one.reading ??= read(one, condition)
      return (await inTime(one.reading, 'the items of this filter', patienceMs)).selection
    }
  }
}

/** Page by page: the event loop is not held up by a million keys, nor memory by all of them. */
async function readAll(
  condition: ItemCondition,
  { pool, select, versionOf }: FilterFacts
): Promise<Known> {
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

async function refreshed(
  known: Known,
  condition: ItemCondition,
  { pool, select, versionOf }: FilterFacts
): Promise<Known> {
  const now = performance.now()
  if (now - known.lookedAt < lookEveryMs) return known
  const version = versionOf()
  let { selection, version: after } = known
  while (after < version) {
    const changed = await selectChanged(pool, condition, { after, limit: keysPerPage })
    selection = select(changed, selection)
    after = changed.length === keysPerPage ? changed.at(-1)!.version : version
  }
  return { selection, version, lookedAt: now }
}
