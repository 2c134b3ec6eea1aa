// What an answer may hold, whichever source proposes it.
import type { ItemFilter } from '#shared/itemids/item-filter.ts'

export interface Limits {
  /** Items that must not come back. */
  readonly excluded: ReadonlySet<number>
  /** What all others must pass. */
  readonly filter?: ItemFilter | undefined
  /** Whether an item may be shown now; all may where nothing is said. */
  readonly isShown?: ((item: number) => boolean) | undefined
}

export function isAllowed(item: number, { excluded, filter, isShown }: Limits): boolean {
  return !excluded.has(item) && filter?.passes(item) !== false && isShown?.(item) !== false
}
