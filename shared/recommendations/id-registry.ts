// The IDs of a release's items and of those that came later: who has which number and which ID, and where
// the moments of the nodes on the way to it lie. It says nothing about who may be shown: also what is
// hidden just now keeps its ID, and nobody else gets it.
import type { Item } from '#shared/catalog/item.ts'
import { rowOnPath } from '#shared/inference/moment-rows.ts'
import { createPlacer, nodesAlong, type Placer, type Placing } from '#shared/itemids/place-item.ts'
import { codesOf, type Trie } from '#shared/itemids/trie.ts'
import { TrieOverlay } from '#shared/itemids/trie-overlay.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { type AddedKeysWriter, openAddedKeys } from './added-keys.ts'
import { type ItemKeys, openKeys } from './item-keys.ts'
import type { SharedModel } from './shared-model.ts'

/** An item that came later: its number in the release, and its ID. */
export interface Placement {
  readonly key: string
  readonly number: number
  readonly codes: readonly number[]
}

export interface Placed {
  readonly placements: readonly Placement[]
  /** Items that find no room, and why. */
  readonly refused: readonly { readonly key: string; readonly reason: string }[]
}

/** How the release's own items were placed. */
export interface PlacedBefore {
  /** [items, depth] */
  readonly codes: Int32Array
  readonly placing: Placing
}

/** An item with the vector that its metadata has. */
interface EncodedItem {
  readonly item: Item
  readonly vector: Float32Array
}

export class IdRegistry {
  readonly #model: SharedModel
  readonly #before: PlacedBefore
  readonly #release: Trie
  readonly #taken: TrieOverlay
  readonly #keys: ItemKeys
  readonly #added: AddedKeysWriter
  readonly #momentRows: Int32Array
  /** Rows of inner nodes that the release does not have, by their codes. */
  readonly #newRows = new Map<string, number>()
  #placer: Placer | undefined

  constructor(model: SharedModel, release: Trie, before: PlacedBefore) {
    this.#model = model
    this.#before = before
    this.#release = release
    this.#taken = new TrieOverlay(release)
    this.#keys = openKeys(model.keys)
    this.#added = openAddedKeys(model.additions.keys)
    this.#momentRows = new Int32Array(model.additions.momentRows)
  }

  /** Undefined where the item has no ID. */
  numberOf(key: string): number | undefined {
    const own = this.#keys.get(key)
    if (own !== undefined) return own
    const place = this.#added.placeOf(key)
    return place === undefined ? undefined : this.#model.itemCount + place
  }

  idOf(number: number): number[] {
    return codesOf(this.#taken, this.#taken.leafOf(number))
  }

  /** Rows of the moments on the way to an item, from the level below the root on. */
  momentRowsOf(number: number): number[] {
    const places = { release: this.#release, addedRows: this.#momentRows }
    const levels = Array.from({ length: this.#release.depth - 1 }, (_, i) => i + 1)
    return levels.map(level => rowOnPath(places, number, level))
  }

  /**
   * Gives items their IDs, in the order of their numbers. Known ones change nothing.
   *
   * @returns how many of them have their ID now; the rest found no room.
   */
  adopt(placements: readonly Placement[]): number {
    for (const [done, { key, number, codes }] of placements.entries()) {
      if (number < this.#nextNumber) continue
      if (number > this.#nextNumber) {
        throw new Error(`item ${key} has the number ${number}, but ${this.#nextNumber} follows`)
      }
      const hasRoom = this.#added.hasRoomFor([key]) && this.#hasNodesFor(codes, this.#newRows)
      if (!hasRoom) return done
      const rows = this.#rowsFor(codes, this.#newRows)
      this.#momentRows.set(rows, this.#added.count * (this.#release.depth - 1))
      this.#taken.apply({ kind: 'insert', item: number, codes })
      this.#added.add(key)
    }
    return placements.length
  }

  /** Finds IDs for items that have none. Nothing changes: the caller adopts what it has kept. */
  place(items: readonly EncodedItem[]): Placed {
    const placements: Placement[] = []
    const refused: { key: string; reason: string }[] = []
    const rows = new Map(this.#newRows)
    try {
      for (const encoded of items) {
        const { key } = encoded.item
        const found = this.#findFor(encoded, { placements, rows })
        if (typeof found === 'string') refused.push({ key, reason: found })
        else placements.push(this.#keepFree({ key, ...found }))
      }
    } finally {
      // Also where an item failed: no number may be given twice.
      for (const { number } of placements.toReversed()) {
        this.#taken.apply({ kind: 'remove', item: number, codes: [] })
      }
    }
    return { placements, refused }
  }

  get #nextNumber(): number {
    return this.#model.itemCount + this.#added.count
  }

  /** A number and an ID, or the reason why there is none. */
  #findFor(
    { item, vector }: EncodedItem,
    { placements, rows }: { readonly placements: readonly Placement[]; rows: Map<string, number> }
  ): Pick<Placement, 'number' | 'codes'> | string {
    const before = placements.map(({ key }) => key)
    if (!this.#added.hasRoomFor([...before, item.key])) return noRoom
    const number = this.#nextNumber + placements.length
    const { codes: known, placing } = this.#before
    this.#placer ??= createPlacer({ codes: known, depth: this.#release.depth }, placing)
    try {
      const codes = this.#placer.place({ item, vector, number }, this.#taken)
      if (!this.#hasNodesFor(codes, rows)) return noRoom
      this.#rowsFor(codes, rows)
      return { number, codes }
    } catch (error) {
      if (error instanceof RecommenderError && error.code === 'ITEM_INVALID') return error.message
      throw error
    }
  }

  /** The ID is not given again while others are looked for. */
  #keepFree(placement: Placement): Placement {
    const { number, codes } = placement
    this.#taken.apply({ kind: 'insert', item: number, codes })
    return placement
  }

  /** Paths of the inner nodes on the way to an ID that the release does not have. */
  #newNodes(codes: readonly number[]): string[] {
    const old = nodesAlong(this.#release, codes.slice(0, -1)).length - 1 // without the root
    const paths: string[] = []
    for (let level = old + 1; level < codes.length; level++) {
      paths.push(codes.slice(0, level).join())
    }
    return paths
  }

  #hasNodesFor(codes: readonly number[], rows: ReadonlyMap<string, number>): boolean {
    const missing = this.#newNodes(codes).filter(path => !rows.has(path)).length
    return this.#release.itemCount.length + rows.size + missing <= this.#model.decoder.innerNodes
  }

  /** Rows of the moments on the way to an ID, from the level below the root on. */
  #rowsFor(codes: readonly number[], rows: Map<string, number>): number[] {
    const old = nodesAlong(this.#release, codes.slice(0, -1)).slice(1)
    for (const path of this.#newNodes(codes)) {
      if (!rows.has(path)) rows.set(path, this.#release.itemCount.length + rows.size)
    }
    return [...old, ...this.#newNodes(codes).map(path => rows.get(path)!)]
  }
}

const noRoom =
  'the release has no room for more new items: it is recommended after the next training'
