// The names of attributes that a filter may use: those that items of the catalogue have. Read again only
// when somebody names another one and the catalogue has changed since, once a second at most: it reads all
// items, and all who ask meanwhile wait for the same reading.
import { setTimeout as pause } from 'node:timers/promises'
import { catalogVersion } from '#shared/catalog/read-items.ts'
import { readAttributeNames } from '#shared/catalog/select-items.ts'
import type { Pool } from '#shared/database/pool.ts'
import { inTime } from './in-time.ts'

export interface AttributeNames {
  /** All names, as of a reading that is new enough for these. */
  including(names: readonly string[]): Promise<ReadonlySet<string>>
}

const readEveryMs = 1000

export function createAttributeNames(pool: Pool): AttributeNames {
  let known: ReadonlySet<string> = new Set()
  let seenVersion = -1
  let readAt = Number.NEGATIVE_INFINITY
  let newest: Promise<void> = Promise.resolve()
  /** A reading that has not begun: it is new enough for whoever joins it. */
  let coming: Promise<void> | undefined

  const read = async (before: Promise<void>) => {
    await before.catch(() => undefined) // told to those who waited for it
    await pause(Math.max(0, readAt + readEveryMs - performance.now()))
    coming = undefined
    const version = await catalogVersion(pool)
    if (version === seenVersion) return
    readAt = performance.now()
    known = await readAttributeNames(pool)
    seenVersion = version
  }

  return {
    async including(names) {
      if (names.every(name => known.has(name))) return known
      if ((await catalogVersion(pool)) === seenVersion) return known
      if (!coming) {
        newest = read(newest)
        coming = newest
      }
      await inTime(coming, 'the attributes of the catalogue')
      return known
    }
  }
}
