// A release in memory that all threads share: one thread loads and checks it, and any number of
// others answer with it at once. What a thread that takes another's place needs is all here.
import type { DecoderMemory } from '#shared/inference/decoder-memory.ts'
import { rowsInOrderOf } from '#shared/inference/item-vectors.ts'
import { momentRows } from '#shared/inference/moment-rows.ts'
import { openSessionGraph } from '#shared/inference/session-states.ts'
import { openTokenDecoder, type TokenDecoder } from '#shared/inference/token-decoder.ts'
import type { TrieView } from '#shared/itemids/trie.ts'
import { openTrie } from '#shared/itemids/trie-memory.ts'
import { type ReaderSeat, TrieReader } from '#shared/itemids/trie-reader.ts'
import type { ModelConfig } from '#shared/model/model.ts'
import { openAddedKeys, type SharedAddedKeys } from './added-keys.ts'
import { openAddedNeighbours, type SharedAddedNeighbours } from './added-neighbours.ts'
import type { ServedAnswering } from './answer-query.ts'
import type { Blend } from './blend.ts'
import type { ItemCategories } from './diversify.ts'
import { openIdWords, type SharedIdWords } from './id-words.ts'
import { type ItemKeys, openKeys, type SharedKeys } from './item-keys.ts'
import { createFilters } from './item-selection.ts'
import type { NewItems } from './nearest-new.ts'
import type { Neighbours } from './neighbours.ts'
import type { Generation } from './rank.ts'

/** Sent to another thread, nothing of size is copied but the graph. */
export interface SharedModel {
  readonly releaseId: string
  readonly config: ModelConfig
  readonly blend: Blend
  readonly repeats: boolean
  readonly keys: SharedKeys
  /** Items of the release itself. */
  readonly itemCount: number
  /** The trie of all of these. */
  readonly trie: SharedArrayBuffer
  readonly decoder: DecoderMemory
  readonly coVisitation: Neighbours
  readonly similarity: Neighbours
  /** [items, then room] by falling number of training clicks; items that come later stand last. */
  readonly byPopularity: Int32Array
  /** Items without a click in training. */
  readonly newItems: Int32Array
  readonly sessionGraph: Uint8Array
  /** None where no category tells items apart. */
  readonly categories?: ItemCategories | undefined
  readonly idWords?: SharedIdWords | undefined
  readonly additions: SharedAdditions
  /** The catalogue's version that training has read. */
  readonly trainedVersion: number
}

/** Items that come after the release, written by one thread (living-items.ts). */
export interface SharedAdditions {
  readonly room: number
  readonly keys: SharedAddedKeys
  /** [room] bytes: 1 while the item has a vector. */
  readonly known: SharedArrayBuffer
  /** [room, depth - 1] int32, see moment-rows.ts. */
  readonly momentRows: SharedArrayBuffer
  readonly neighbours: SharedAddedNeighbours
}

export interface OpenOptions {
  readonly generation?: Generation | undefined
  /** The living trie; without one, the release's own. */
  readonly reader?: ReaderSeat | undefined
}

/** @param seat one that no other thread uses at the same time. */
export async function openSharedModel(
  model: SharedModel,
  seat: number,
  { generation, reader }: OpenOptions = {}
): Promise<ServedAnswering> {
  const living = reader && new TrieReader(reader)
  let view: TrieView = living ? living.view() : openTrie(model.trie)
  const decoder = openDecoder(model, seat, () => view)
  const keys = openAllKeys(model)
  const popularity = () => model.byPopularity.subarray(0, model.itemCount + keys.addedCount())
  return {
    itemIndex: keys,
    keyOf: keys.keyOf,
    repeats: model.repeats,
    filterOf: createFilters(),
    categories: model.categories,
    idWords: model.idWords && openIdWords(model.idWords),
    refresh: () => {
      if (living) view = living.view()
    },
    sessions: await openSessionGraph(model.config, model.sessionGraph, decoder),
    ranking: {
      decoder,
      vectors: decoder.vectors,
      vectorRows: decoder.vectorRows,
      coVisitation: model.coVisitation,
      similarity: { ...model.similarity, added: openAddedNeighbours(model.additions.neighbours) },
      get byPopularity() {
        return popularity()
      },
      newItems: newItemsOf(model),
      isShown: item => view.leafOf(item) >= 0,
      blend: model.blend,
      ...(generation && { generation })
    }
  }
}

/** Reads the trie anew at each look: the same one until it is refreshed. */
function openDecoder(model: SharedModel, seat: number, viewOf: () => TrieView): TokenDecoder {
  const release = openTrie(model.trie)
  const addedRows = new Int32Array(model.additions.momentRows)
  const { trie: _, ...decoder } = openTokenDecoder(release, model.decoder, seat)
  return {
    ...decoder,
    get trie() {
      return viewOf()
    },
    vectorRows: rowsInOrderOf(release),
    momentRowOf: momentRows({ release, addedRows }, viewOf)
  }
}

/** Of the release's items, and of those that came later while they are known. */
export function openAllKeys(model: SharedModel): ItemKeys & { addedCount(): number } {
  const { itemCount } = model
  const own = openKeys(model.keys)
  const added = openAddedKeys(model.additions.keys)
  const known = new Uint8Array(model.additions.known)
  const get = (key: string) => {
    const item = own.get(key)
    if (item !== undefined) return item
    const place = added.placeOf(key)
    const isKnown = place !== undefined && Atomics.load(known, place) === 1
    return isKnown ? itemCount + place : undefined
  }
  return {
    get,
    has: key => get(key) !== undefined,
    keyOf: item => (item < itemCount ? own.keyOf(item) : added.keyAt(item - itemCount)),
    addedCount: () => added.count
  }
}

function newItemsOf({ newItems, itemCount, additions }: SharedModel): NewItems {
  const own = new Set(newItems)
  const added = openAddedKeys(additions.keys)
  return {
    get size() {
      return newItems.length + added.count
    },
    has: item => item >= itemCount || own.has(item),
    *[Symbol.iterator]() {
      yield* newItems
      for (let item = itemCount; item < itemCount + added.count; item++) yield item
    }
  }
}
