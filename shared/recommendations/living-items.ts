// The items of a release while it answers: the catalogue goes on changing, and so do vectors, item IDs
// and the trie, in memory that the answering threads read. One thread works here; all of it is slow
// compared with an answer, and none of it makes an answer wait.
//
// The state depends on the release, on the catalogue and on the IDs that new items were given
// (shared/releases/placed-items.ts), on nothing else: a process that starts later comes to the same.
//
// - The living trie holds the items that may be shown and no others. To hide an item is to remove it, to
//   show it again is to insert it under the ID that it keeps: what is hidden costs a search nothing.
// - All items that have an ID, shown or not, are in the registry (id-registry.ts), which only this thread
//   has. New items are placed by it, so that nobody gets the ID of an item that is hidden just now.
// - An item that came later is *known* while its vector is there: clicks on it are read then. When it
//   leaves the catalogue it is unknown again, but keeps its number and its ID.
// - First what is written about an item, then its key, then the change of the trie: whoever finds an item
//   finds all of it.
// - There is room for a quarter more items than the release has, and for 131,072 at least: memory that nobody
//   has written to takes addresses, not bytes. What finds none waits for the next training, and is counted.
import type { Item } from '#shared/catalog/item.ts'
import { decoderPlaces, floatsAt } from '#shared/inference/decoder-memory.ts'
import { rowsInOrderOf, type VectorRows } from '#shared/inference/item-vectors.ts'
import { createLivingMoments, type LivingMoments } from '#shared/inference/living-moments.ts'
import type { DecoderWeights } from '#shared/inference/token-decoder.ts'
import { openTrie } from '#shared/itemids/trie-memory.ts'
import type { ReaderSeat } from '#shared/itemids/trie-reader.ts'
import { TrieWriter } from '#shared/itemids/trie-writer.ts'
import { type AddedNeighbours, openAddedNeighbours } from './added-neighbours.ts'
import {
  type ContentIndex,
  type Descriptions,
  describeItems,
  indexContent
} from './content-similarity.ts'
import { IdRegistry, type Placed, type PlacedBefore, type Placement } from './id-registry.ts'
import { type EncodingParts, type ItemEncoder, openItemEncoder } from './item-encoder.ts'
import type { SharedModel } from './shared-model.ts'

/** What is needed beside the shared model; all arrays lie in shared memory. */
export interface LivingParts extends EncodingParts, PlacedBefore {
  /** [items] 1 where training has seen clicks on the item. */
  readonly hasKey: Uint8Array
  /** What the items of the release say, see content-similarity.ts. */
  readonly descriptions: Descriptions
  readonly decoder: Pick<DecoderWeights, 'node' | 'level'>
}

/** Rooms for what comes later; the same in every process that loads the release. */
export function roomFor(itemCount: number): number {
  return Math.max(1 << 17, Math.ceil(itemCount / 4))
}

/** Inner nodes that may come: only schemes whose codes are read from metadata make any. */
export function nodeRoomFor(itemCount: number): number {
  return Math.max(1 << 14, Math.ceil(itemCount / 16))
}

interface NumberedItem {
  readonly item: Item
  readonly number: number
}

/** Numbers closer than this come from another order of additions. */
const tolerance = 1e-5

export class LivingItems {
  readonly #model: SharedModel
  readonly #parts: LivingParts
  readonly #encoder: ItemEncoder
  readonly #ids: IdRegistry
  readonly #writer: TrieWriter
  readonly #moments: LivingMoments
  readonly #vectors: Float32Array
  readonly #rows: VectorRows
  readonly #known: Uint8Array
  readonly #neighbours: AddedNeighbours
  /** Vectors of the release's own items that were described anew, as the release has them. */
  readonly #originals = new Map<number, Float32Array>()
  #content: ContentIndex | undefined

  /** @throws RecommenderError RELEASE_CORRUPT when the item encoder cannot be run. */
  static async open(model: SharedModel, parts: LivingParts): Promise<LivingItems> {
    return new LivingItems(model, parts, await openItemEncoder(parts))
  }

  private constructor(model: SharedModel, parts: LivingParts, encoder: ItemEncoder) {
    const { decoder, additions } = model
    this.#model = model
    this.#parts = parts
    this.#encoder = encoder
    const release = openTrie(model.trie)
    this.#ids = new IdRegistry(model, release, parts)
    this.#writer = new TrieWriter(release)
    this.#moments = createLivingMoments(decoder, parts.decoder, release.itemCount.length)
    const { vectors } = decoderPlaces(decoder, 0)
    this.#vectors = floatsAt(decoder, vectors, decoder.items * decoder.width)
    this.#rows = rowsInOrderOf(release)
    this.#known = new Uint8Array(additions.known)
    this.#neighbours = openAddedNeighbours(additions.neighbours)
  }

  /** A place for one more thread that answers. */
  addReader(): ReaderSeat {
    return this.#writer.addReader()
  }

  /** Hides items of the release; other keys change nothing. */
  hide(keys: readonly string[]): void {
    this.#writer.removeAll(keys.flatMap(key => this.#ids.numberOf(key) ?? []))
  }

  /** See IdRegistry.adopt. */
  adopt(placements: readonly Placement[]): number {
    return this.#ids.adopt(placements)
  }

  /** See IdRegistry.place. */
  async place(items: readonly Item[]): Promise<Placed> {
    const vectors = await this.#encoder.encode(items.map(item => ({ item, hasKey: false })))
    const vectorAt = (i: number) => vectors.slice(i * this.#width, (i + 1) * this.#width)
    return this.#ids.place(items.map((item, i) => ({ item, vector: vectorAt(i) })))
  }

  /** Reads items anew: vector, and whether they are shown. Items without an ID change nothing. */
  async update(items: readonly Item[]): Promise<void> {
    const placed = items.flatMap(item => {
      const number = this.#ids.numberOf(item.key)
      return number === undefined ? [] : [{ item, number }]
    })
    await this.#describe(placed.filter(({ item }) => !isGone(item)))
    for (const { item, number } of placed) {
      const isShown = this.#writer.view.leafOf(number) >= 0
      if (isShown && !item.isVisible) this.#writer.remove(number)
      if (!isShown && item.isVisible) this.#writer.insert(number, this.#ids.idOf(number))
      if (isGone(item)) this.#forget(number)
    }
  }

  async close(): Promise<void> {
    this.#writer.close()
    await this.#encoder.close()
  }

  get #width(): number {
    return this.#model.decoder.width
  }

  /** What items say decides their vectors, and what new ones are like. */
  async #describe(items: readonly NumberedItem[]): Promise<void> {
    const { descriptions, reading, hasKey } = this.#parts
    const rows = describeItems(
      items.map(({ item }) => item),
      reading.features
    )
    const told = items.map((item, row) => ({ ...item, row }))
    const isAsTrained = ({ number, row }: NumberedItem & { readonly row: number }) =>
      number < this.#model.itemCount && isSameRow(rows, row, descriptions, number)
    const changed = told.filter(each => !isAsTrained(each))
    const vectors = await this.#encoder.encode(
      changed.map(({ item, number }) => ({ item, hasKey: hasKey[number] === 1 }))
    )
    for (const [i, { number, row }] of changed.entries()) {
      if (number >= this.#model.itemCount) this.#setNeighbours(number, rows, row)
      this.#setVector(number, vectors.subarray(i * this.#width, (i + 1) * this.#width))
    }
    for (const { number } of told.filter(isAsTrained)) this.#restore(number)
  }

  /** Of the release's own items similarity stays as training found it. */
  #setNeighbours(number: number, rows: Descriptions, row: number): void {
    // No room is kept for the release's own new items: only the most similar ones are wanted.
    this.#content ??= indexContent(this.#parts.descriptions, () => true)
    this.#neighbours.set(number - this.#model.itemCount, this.#content.nearest(rows, row))
  }

  #restore(number: number): void {
    const original = this.#originals.get(number)
    if (original) this.#setVector(number, original)
  }

  #setVector(number: number, vector: Float32Array): void {
    const place = number - this.#model.itemCount
    const stored = this.#vectorOf(number)
    const isKnown = place < 0 || this.#known[place] === 1
    if (isKnown && isSame(stored, vector)) return
    const before = isKnown ? stored.slice() : undefined
    if (place < 0 && !this.#originals.has(number)) this.#originals.set(number, before!)
    stored.set(vector)
    this.#moments.change({ rows: this.#ids.momentRowsOf(number), before, now: vector.slice() })
    if (place >= 0) Atomics.store(this.#known, place, 1)
  }

  /** What left the catalogue has no description to be read by. */
  #forget(number: number): void {
    const place = number - this.#model.itemCount
    this.#restore(number)
    if (place < 0 || this.#known[place] === 0) return
    Atomics.store(this.#known, place, 0)
    this.#neighbours.set(place, [])
    this.#moments.change({
      rows: this.#ids.momentRowsOf(number),
      before: this.#vectorOf(number).slice()
    })
  }

  #vectorOf(number: number): Float32Array {
    const row = this.#rows.of(number)
    return this.#vectors.subarray(row * this.#width, (row + 1) * this.#width)
  }
}

/** Removed from the catalogue, not only hidden: see removeItems. */
function isGone({ attributes, isVisible }: Item): boolean {
  return !isVisible && Object.keys(attributes).length === 0
}

function isSame(a: Float32Array, b: Float32Array): boolean {
  return a.every((value, d) => Math.abs(value - b[d]!) <= tolerance)
}

/** Whether two items say the same, value by value. */
function isSameRow(a: Descriptions, row: number, b: Descriptions, other: number): boolean {
  const [start, end] = [a.starts[row]!, a.starts[row + 1]!]
  const from = b.starts[other]!
  if (end - start !== b.starts[other + 1]! - from) return false
  for (let n = 0; n < end - start; n++) {
    if (a.values[start + n] !== b.values[from + n]) return false
    if (a.weights[start + n] !== b.weights[from + n]) return false
  }
  return true
}
