// The items that may not be shown now, whatever the release says: a release is never changed, but
// the shop hides and removes items at any time.
import { catalogVersion, readHiddenKeys } from '#shared/catalog/read-items.ts'
import type { Pool } from '#shared/database/pool.ts'

export interface HiddenItems {
  /** Keys as of the last refresh; read at the first call. */
  keys(): Promise<readonly string[]>
  /** Reads the keys again if the catalogue has changed. */
  refresh(): Promise<void>
}

/**
 * Versions are drawn before they are committed, so a slow transaction can appear below one that
 * was already seen. Every so many refreshes the keys are therefore read in any case.
 */
const surelyEvery = 10

/** Holds the keys in this process; the caller says when to refresh. */
export function createHiddenItems(pool: Pool): HiddenItems {
  let known: readonly string[] | undefined
  let seenVersion = -1
  let refreshes = 0

  const refresh = async () => {
    const version = await catalogVersion(pool)
    if (version === seenVersion && ++refreshes % surelyEvery !== 0) return
    known = await readHiddenKeys(pool)
    seenVersion = version
  }
  return {
    refresh,
    keys: async () => {
      if (!known) await refresh()
      return known ?? []
    }
  }
}
