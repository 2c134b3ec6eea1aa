// The content of a release: a trained model as files, and back as something that can rank. What is
// derived (item vectors' moments, the trie, positions of keys) is computed again on loading, so that
// no file can disagree with another.
import type { Feature } from '#shared/catalog/derive-features.ts'
import { nodeMoments } from '#shared/inference/node-moments.ts'
import { createSessionEncoder, type SessionEncoder } from '#shared/inference/session-encoder.ts'
import { createTokenDecoder, type DecoderWeights } from '#shared/inference/token-decoder.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import type { ItemIds } from '#shared/itemids/item-ids.ts'
import type { ResidualCodebook } from '#shared/itemids/residual-kmeans.ts'
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
import type { CoVisitation } from './co-visitation.ts'
import type { Blend, RankingModel } from './rank.ts'

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
  readonly codebook: ResidualCodebook
  readonly coVisitation: CoVisitation
  /** [items] training clicks. */
  readonly clicks: Int32Array
  readonly blend: Blend
  /** Whether clicked items may come back unless the caller says otherwise; from the training data. */
  readonly repeats: boolean
}

export function modelFiles(model: TrainedModel): ReleaseFiles {
  const { itemIds, codebook, coVisitation } = model
  const { codes, ...idFacts } = itemIds
  const list = (values: Float32Array | Int32Array): NamedArray => ({
    shape: [values.length],
    values
  })
  return {
    'model.json': json({
      config: model.config,
      reading: model.reading,
      blend: model.blend,
      repeats: model.repeats
    }),
    'item-ids.json': json({
      ...idFacts,
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
      ...Object.fromEntries(
        codebook.levels.map((values, level) => [
          `codebook.${level}`,
          { shape: [values.length / codebook.width, codebook.width], values }
        ])
      )
    }),
    'co-visitation.safetensors': encodeArrays({
      starts: list(coVisitation.starts),
      neighbours: list(coVisitation.neighbours),
      similarities: list(coVisitation.similarities)
    })
  }
}

/** @throws RecommenderError RELEASE_CORRUPT when a file or an array is missing. */
export function readModel(files: ReleaseFiles): TrainedModel {
  const facts = parse(files, 'model.json') as Pick<
    TrainedModel,
    'config' | 'reading' | 'blend' | 'repeats'
  >
  const { items: ids, ...idFacts } = parse(files, 'item-ids.json') as Omit<ItemIds, 'codes'> & {
    items: readonly { readonly item: string; readonly codes: readonly number[] }[]
  }
  const { 'table.reachedRows': reached, ...weights } = decodeArrays(
    fileOf(files, 'weights.safetensors')
  )
  const items = decodeArrays(fileOf(files, 'items.safetensors'))
  const coVisitation = decodeArrays(fileOf(files, 'co-visitation.safetensors'))
  const levels = Object.keys(items)
    .filter(name => name.startsWith('codebook.'))
    .sort()
  return {
    ...facts,
    itemKeys: ids.map(({ item }) => item),
    weights,
    reachedRows: integers(reached),
    vectors: floats(items.vectors),
    clicks: integers(items.clicks),
    itemIds: { ...idFacts, codes: Int32Array.from(ids.flatMap(({ codes }) => codes)) },
    codebook: { width: facts.config.width, levels: levels.map(name => floats(items[name])) },
    coVisitation: {
      starts: integers(coVisitation.starts),
      neighbours: integers(coVisitation.neighbours),
      similarities: floats(coVisitation.similarities)
    }
  }
}

/** A model in memory, ready to encode sessions and to rank. */
export interface LoadedModel {
  readonly trained: TrainedModel
  readonly itemIndex: ReadonlyMap<string, number>
  readonly encoder: SessionEncoder
  readonly ranking: RankingModel
}

/** Builds the trie and the tensors. The tensors live as long as the process, or until disposed. */
export function loadModel(trained: TrainedModel): LoadedModel {
  const { config, vectors, weights } = trained
  const trie = buildTrie(trained.itemIds)
  return {
    trained,
    itemIndex: new Map(trained.itemKeys.map((key, index) => [key, index])),
    encoder: createSessionEncoder(config, weights, vectors),
    ranking: {
      decoder: createTokenDecoder(
        trie,
        nodeMoments(trie, vectors, config.width),
        decoderWeights(weights)
      ),
      vectors,
      coVisitation: trained.coVisitation,
      byPopularity: byFallingClicks(trained.clicks),
      blend: trained.blend
    }
  }
}

export function decoderWeights(weights: NamedArrays): DecoderWeights {
  return {
    session: floats(weights['decoder.session']),
    node: floats(weights['decoder.node']),
    level: floats(weights['decoder.level']),
    output: floats(weights['decoder.output'])
  }
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

function fileOf(files: ReleaseFiles, name: string): Uint8Array {
  const file = files[name]
  if (!file) throw new RecommenderError('RELEASE_CORRUPT', `the release has no ${name}`)
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
