// Counts the items that found no room in a release, and says so while it is news.
import type { Item } from '#shared/catalog/item.ts'
import type { Logger } from '#shared/runtime/logging.ts'
import type { PlacingFacts, RefusedItem } from './place-new-items.ts'

type Facts = Pick<PlacingFacts, 'releaseId' | 'catalogue'> & { readonly log: Logger }

export class WithoutRoom {
  readonly #facts: Facts
  readonly #keys = new Set<string>()
  #told = 0

  constructor(facts: Facts) {
    this.#facts = facts
  }

  get count(): number {
    return this.#keys.size
  }

  /** @param items those that were taken in, of which some found no room: none of the others waits for any. */
  settle(items: readonly Item[], refused: readonly RefusedItem[]): void {
    for (const { key } of items) this.#keys.delete(key)
    for (const { key } of refused) this.#keys.add(key)
    if (this.#keys.size < 2 * this.#told || this.#keys.size === 0 || refused.length === 0) return
    this.#told = this.#keys.size
    const { log, releaseId, catalogue } = this.#facts
    const { reason } = refused[0]!
    log.warn(
      { release: releaseId, items: this.#keys.size, room: catalogue.room, reason },
      'items found no room in the release: train again'
    )
  }
}
