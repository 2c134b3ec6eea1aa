// The content of a release: a trained model as files, and back as something that can rank. What follows
// quickly from the files (positions of keys, orders) is computed again on loading; the trie and the
// moments of its nodes take seconds and half a minute for a million items and are stored.
import type { Feature } from '#shared/catalog/derive-features.ts'
import { itemGraph } from '#shared/graphs/item-graph.ts'
import { sessionGraph } from '#shared/graphs/session-graph.ts'
import { innerMoments, type NodeMoments, nodeMoments } from '#shared/inference/node-moments.ts'
import { createSessionEncoder, encodeStates } from '#shared/inference/session-encoder.ts'
import {
  createTokenDecoder,
  type DecoderRoom,
  type DecoderWeights
} from '#shared/inference/token-decoder.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import type { PrefixExplanation } from '#shared/itemids/explain-item.ts'
import type { ItemIds } from '#shared/itemids/item-ids.ts'
import type { Placing } from '#shared/itemids/place-item.ts'
import type { Trie } from '#shared/itemids/trie.ts'
import { decodeTrie, encodeTrie } from '#shared/itemids/trie-file.ts'
import type { ModelConfig } from '#shared/model/model.ts'
import {
  decodeArrays,
  encodeArrays,
  type NamedArray,
  type NamedArrays
} from '#shared/model/safetensors.ts'
import type { FeatureLayout } from '#shared/model/unified-embedding.ts'
import type { ReleaseFiles } from '#shared/releases/release-folder.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { TrainedAnswering } from './answer-query.ts'
import type { Blend } from './blend.ts'
import type { Descriptions } from './content-similarity.ts'
import type { ItemCategories } from './diversify.ts'
import type { Neighbours } from './neighbours.ts'
import type { RankingModel } from './rank.ts'

/** How items become look-ups; a new item is read by the same description. */
export interface ItemReading {
  readonly features: readonly Feature[]
  readonly keyLayout: FeatureLayout
  /** Rows of the whole table that values are hashed into. */
  readonly buckets: number
}

/** All that training has made. */
export interface TrainedModel {
  readonly itemKeys: readonly string[]
  readonly reading: ItemReading
  /** Rows of the whole table that were trained, in order; row r of weights.table is reachedRows[r]. */
  readonly reachedRows: Int32Array
  readonly config: ModelConfig
  /** Encoder and decoder weights by name. */
  readonly weights: NamedArrays
  /** [items, D] row-major. */
  readonly vectors: Float32Array
  readonly itemIds: ItemIds
  /** Of the inner nodes of the IDs' trie; computed where they are not at hand. */
  readonly moments?: NodeMoments
  /** Of the item IDs; built where it is not at hand. */
  readonly trie?: Trie
  /** How a new item gets an ID. */
  readonly placing: Placing
  readonly coVisitation: Neighbours
  readonly similarity: Neighbours
  /** What similarity was computed from: what a new item is similar to follows from it. */
  readonly descriptions: Descriptions
  /** [items] training clicks. */
  readonly clicks: Int32Array
  readonly blend: Blend
  /** Whether clicked items may come back unless the caller says otherwise; from the training data. */
  readonly repeats: boolean
  /** None where no category tells items apart. */
  readonly categories?: ItemCategories | undefined
  /** What the codes of item IDs stand for. */
  readonly idWords?: readonly PrefixExplanation[] | undefined
}

/** The graphs that serving runs; what it needs beside them is told in shared/graphs. */
export const sessionGraphFile = 'session-encoder.onnx'
export const itemGraphFile = 'item-encoder.onnx'
/** Releases of before 2026-11-23 have none: their codes are told without words. */
const idWordsFile = 'id-words.json'
const trieFile = 'item-ids.trie'

export function modelFiles(model: TrainedModel): ReleaseFiles {
  const { itemIds, placing, coVisitation, similarity, descriptions, categories, idWords } = model
  const { codes, ...idFacts } = itemIds
  const { centroids, ...placingFacts } = placing
  const trie = trieOf(model)
  return {
    'model.json': json({
      config: model.config,
      reading: model.reading,
      blend: model.blend,
      repeats: model.repeats
    }),
    'node-moments.safetensors': encodeArrays(momentArrays(momentsOf(model, trie))),
    [trieFile]: encodeTrie(trie),
    'item-ids.json': json({
      ...idFacts,
      placing: placingFacts,
      items: model.itemKeys.map((item, i) => ({
        item,
        codes: Array.from(codes.subarray(i * itemIds.depth, (i + 1) * itemIds.depth))
      }))
    }),
    'weights.safetensors': encodeArrays({
      ...model.weights,
      'table.reachedRows': list(model.reachedRows)
    }),
    'items.safetensors': encodeArrays({
      vectors: { shape: [model.itemKeys.length, model.config.width], values: model.vectors },
      clicks: list(model.clicks),
      centroids: { shape: [centroids.length / placing.width, placing.width], values: centroids },
      ...(categories && {
        categories: {
          shape: [model.itemKeys.length, categories.levels],
          values: categories.classes
        }
      })
    }),
    ...(idWords && { [idWordsFile]: json(idWords) }),
    [sessionGraphFile]: sessionGraph(model.config, model.weights),
    [itemGraphFile]: itemGraph(model.config, model.weights),
    'co-visitation.safetensors': encodeArrays(neighbourArrays(coVisitation)),
    'similarity.safetensors': encodeArrays(neighbourArrays(similarity)),
    'descriptions.safetensors': encodeArrays({
      starts: list(descriptions.starts),
      values: list(descriptions.values),
      weights: list(descriptions.weights)
    })
  }
}

/** What item-ids.json says beside the IDs themselves. */
type IdFacts = Omit<ItemIds, 'codes'> & { readonly placing: Omit<Placing, 'centroids'> }

/** @throws RecommenderError RELEASE_CORRUPT when a file or an array is missing. */
export function readModel(files: ReleaseFiles): TrainedModel {
  const facts = parse(files, 'model.json') as Pick<
    TrainedModel,
    'config' | 'reading' | 'blend' | 'repeats'
  >
  const {
    items: ids,
    placing,
    ...idFacts
  } = parse(files, 'item-ids.json') as IdFacts & {
    items: readonly { readonly item: string; readonly codes: readonly number[] }[]
  }
  const { 'table.reachedRows': reached, ...weights } = decodeArrays(
    fileOf(files, 'weights.safetensors')
  )
  const items = decodeArrays(fileOf(files, 'items.safetensors'))
  const descriptions = decodeArrays(fileOf(files, 'descriptions.safetensors'))
  return {
    ...facts,
    itemKeys: ids.map(({ item }) => item),
    weights,
    reachedRows: integers(reached),
    vectors: floats(items.vectors),
    moments: readMoments(fileOf(files, 'node-moments.safetensors')),
    trie: decodeTrie(fileOf(files, trieFile)),
    clicks: integers(items.clicks),
    itemIds: { ...idFacts, codes: Int32Array.from(ids.flatMap(({ codes }) => codes)) },
    placing: { ...placing, centroids: floats(items.centroids) },
    categories: items.categories && {
      levels: items.categories.shape[1]!,
      classes: integers(items.categories)
    },
    ...(files[idWordsFile] && {
      idWords: parse(files, idWordsFile) as readonly PrefixExplanation[]
    }),
    coVisitation: readNeighbours(files, 'co-visitation.safetensors'),
    similarity: readNeighbours(files, 'similarity.safetensors'),
    descriptions: {
      starts: integers(descriptions.starts),
      values: integers(descriptions.values),
      weights: floats(descriptions.weights)
    }
  }
}

function list(values: Float32Array | Int32Array): NamedArray {
  return { shape: [values.length], values }
}

function neighbourArrays({ starts, neighbours, similarities }: Neighbours): NamedArrays {
  return {
    starts: list(starts),
    neighbours: list(neighbours),
    similarities: list(similarities)
  }
}

function readNeighbours(files: ReleaseFiles, name: string): Neighbours {
  const arrays = decodeArrays(fileOf(files, name))
  return {
    starts: integers(arrays.starts),
    neighbours: integers(arrays.neighbours),
    similarities: floats(arrays.similarities)
  }
}

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
}

export function rankingOf(
  trained: TrainedModel,
  { seats = 1, room, trie = trieOf(trained) }: RankingLayout = {}
): RankingModel {
  const { vectors } = trained
  const moments = momentsOf(trained, trie)
  const weights = decoderWeights(trained.weights)
  const decoder = createTokenDecoder(trie, moments, weights, {
    seats,
    vectors,
    ...(room && { room })
  })
  return {
    decoder,
    vectors: decoder.vectors,
    coVisitation: trained.coVisitation,
    similarity: trained.similarity,
    byPopularity: byFallingClicks(trained.clicks),
    newItems: withoutClicks(trained.clicks),
    blend: trained.blend
  }
}

export function trieOf({ trie, itemIds }: Pick<TrainedModel, 'trie' | 'itemIds'>): Trie {
  return trie ?? buildTrie(itemIds)
}

function momentsOf({ vectors, config, moments }: TrainedModel, trie: Trie): NodeMoments {
  return moments ?? innerMoments(trie, nodeMoments(trie, vectors, config.width))
}

function momentArrays({ width, rank, ...moments }: NodeMoments): NamedArrays {
  const matrix = (values: Float32Array) => ({ shape: [values.length / width, width], values })
  return {
    logCounts: { shape: [moments.logCounts.length], values: moments.logCounts },
    means: matrix(moments.means),
    directions: matrix(moments.directions),
    diagonals: matrix(moments.diagonals)
  }
}

function readMoments(bytes: Uint8Array): NodeMoments {
  const arrays = decodeArrays(bytes)
  const [logCounts, means] = [floats(arrays.logCounts), floats(arrays.means)]
  const [directions, diagonals] = [floats(arrays.directions), floats(arrays.diagonals)]
  const width = means.length / logCounts.length
  return { width, rank: directions.length / means.length, logCounts, means, directions, diagonals }
}

export function decoderWeights(weights: NamedArrays): DecoderWeights {
  return {
    session: floats(weights['decoder.session']),
    node: floats(weights['decoder.node']),
    level: floats(weights['decoder.level']),
    output: floats(weights['decoder.output'])
  }
}

/** Items that training saw no click on. */
export function withoutClicks(clicks: Int32Array): ReadonlySet<number> {
  return new Set(Array.from(clicks.keys()).filter(item => clicks[item] === 0))
}

export function byFallingClicks(clicks: Int32Array): Int32Array {
  return Int32Array.from(clicks.keys()).sort((a, b) => clicks[b]! - clicks[a]! || a - b)
}

function json(value: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 1)}\n`)
}

function parse(files: ReleaseFiles, name: string): unknown {
  const text = new TextDecoder().decode(fileOf(files, name))
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new RecommenderError('RELEASE_CORRUPT', `${name} of the release is not JSON`, { cause })
  }
}

/** @throws RecommenderError RELEASE_CORRUPT when the release has no such file. */
export function fileOf(files: ReleaseFiles, name: string): Uint8Array {
  const file = files[name]
  if (!file)
    throw new RecommenderError('RELEASE_CORRUPT', `the release has no ${name}; train again`)
  return file
}

function floats(array: NamedArray | undefined): Float32Array {
  if (array?.values instanceof Float32Array) return array.values
  throw new RecommenderError(
    'RELEASE_CORRUPT',
    'an array of the release is missing or has another type'
  )
}

function integers(array: NamedArray | undefined): Int32Array {
  if (array?.values instanceof Int32Array) return array.values
  throw new RecommenderError(
    'RELEASE_CORRUPT',
    'an array of the release is missing or has another type'
  )
}
