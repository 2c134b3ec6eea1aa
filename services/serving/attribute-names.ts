// The names of attributes that a filter may use: those that items of the catalogue have. Read again only
// when somebody names another one and the catalogue has changed since.
import { catalogVersion } from '#shared/catalog/read-items.ts'
import { readAttributeNames } from '#shared/catalog/select-items.ts'
import type { Pool } from '#shared/database/pool.ts'

export interface AttributeNames {
  /** All names, as of a reading that is new enough for these. */
  including(names: readonly string[]): Promise<ReadonlySet<string>>
}

export function createAttributeNames(pool: Pool): AttributeNames {
  let known: ReadonlySet<string> = new Set()
  let seenVersion = -1

  return {
    async including(names) {
      if (names.every(name => known.has(name))) return known
      const version = await catalogVersion(pool)
      if (version === seenVersion) return known
      known = await readAttributeNames(pool)
      seenVersion = version
      return known
    }
  }
}
