// A trained model in memory, as something that can rank.
import type { ItemVectors } from '#shared/inference/item-vectors.ts'
import { createSessionEncoder, encodeStates } from '#shared/inference/session-encoder.ts'
import { createTokenDecoder, type DecoderRoom } from '#shared/inference/token-decoder.ts'
import type { Trie } from '#shared/itemids/trie.ts'
import type { TrainedAnswering } from './answer-query.ts'
import type { RankingModel } from './rank.ts'
import {
  byFallingClicks,
  decoderWeights,
  momentsOf,
  type TrainedModel,
  trieOf,
  withoutClicks
} from './trained-model.ts'

/** A model in memory as training and evaluation use it. */
export interface LoadedModel extends TrainedAnswering {
  readonly trained: TrainedModel
  readonly itemIndex: ReadonlyMap<string, number>
}

/** Builds the trie and the tensors. The tensors live as long as the process, or until disposed. */
export function loadModel(trained: TrainedModel): LoadedModel {
  const { config, vectors, weights, itemKeys } = trained
  const encoder = createSessionEncoder(config, weights, vectors)
  return {
    trained,
    itemIndex: new Map(itemKeys.map((key, index) => [key, index])),
    keyOf: item => itemKeys[item]!,
    encoder,
    stateAfter: session => encodeStates(encoder, [session])[0]!.slice(-config.width),
    ranking: rankingOf(trained),
    repeats: trained.repeats,
    categories: trained.categories
  }
}

export interface RankingLayout {
  /** Threads that will rank with it at once. */
  readonly seats?: number
  /** For what comes later. */
  readonly room?: DecoderRoom
  /** Of the item IDs, where it is at hand. */
  readonly trie?: Trie
  /** Where vectors are to stand. */
  readonly vectorRows?: ItemVectors['vectorRows']
}

/** What ranking needs of it. */
export function rankingOf(
  trained: TrainedModel,
  { seats = 1, room, trie = trieOf(trained), vectorRows }: RankingLayout = {}
): RankingModel {
  const { vectors } = trained
  const moments = momentsOf(trained, trie)
  const weights = decoderWeights(trained.weights)
  const decoder = createTokenDecoder(trie, moments, weights, {
    seats,
    vectors,
    vectorRows,
    ...(room && { room })
  })
  return {
    decoder,
    vectors: decoder.vectors,
    vectorRows,
    coVisitation: trained.coVisitation,
    similarity: trained.similarity,
    byPopularity: byFallingClicks(trained.clicks),
    newItems: withoutClicks(trained.clicks),
    blend: trained.blend
  }
}
