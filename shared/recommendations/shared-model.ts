// A release in memory that all threads share: one thread loads and checks it, and any number of
// others answer with it at once. What a thread that takes another's place needs is all here.
import type { DecoderMemory } from '#shared/inference/decoder-memory.ts'
import { openSessionGraph } from '#shared/inference/session-states.ts'
import { openTokenDecoder } from '#shared/inference/token-decoder.ts'
import { openTrie } from '#shared/itemids/trie-memory.ts'
import type { ModelConfig } from '#shared/model/model.ts'
import type { ServedAnswering } from './answer-query.ts'
import type { CoVisitation } from './co-visitation.ts'
import { openKeys, type SharedKeys } from './item-keys.ts'
import { createFilters } from './item-selection.ts'
import type { Blend, Generation } from './rank.ts'

/** Sent to another thread, nothing of size is copied but the graph. */
export interface SharedModel {
  readonly releaseId: string
  readonly config: ModelConfig
  readonly blend: Blend
  readonly repeats: boolean
  readonly keys: SharedKeys
  readonly trie: SharedArrayBuffer
  readonly decoder: DecoderMemory
  readonly coVisitation: CoVisitation
  readonly byPopularity: Int32Array
  /** Items without a click in training. */
  readonly newItems: Int32Array
  readonly sessionGraph: Uint8Array
}

/** @param seat one that no other thread uses at the same time. */
export async function openSharedModel(
  model: SharedModel,
  seat: number,
  generation?: Generation
): Promise<ServedAnswering> {
  const decoder = openTokenDecoder(openTrie(model.trie), model.decoder, seat)
  const keys = openKeys(model.keys)
  return {
    itemIndex: keys,
    keyOf: keys.keyOf,
    repeats: model.repeats,
    filterOf: createFilters(),
    sessions: await openSessionGraph(model.config, model.sessionGraph, decoder.vectors),
    ranking: {
      decoder,
      vectors: decoder.vectors,
      coVisitation: model.coVisitation,
      byPopularity: model.byPopularity,
      newItems: new Set(model.newItems),
      blend: model.blend,
      ...(generation && { generation })
    }
  }
}
