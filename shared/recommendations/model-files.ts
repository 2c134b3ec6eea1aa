// A trained model as the files of a release, and back. What follows quickly from the files (positions of
// keys, orders) is computed again on loading; the trie and the moments of its nodes take seconds and half a
// minute for a million items and are stored.
import { itemGraph } from '#shared/graphs/item-graph.ts'
import { sessionGraph } from '#shared/graphs/session-graph.ts'
import type { NodeMoments } from '#shared/inference/node-moments.ts'
import type { PrefixExplanation } from '#shared/itemids/explain-item.ts'
import type { ItemIds } from '#shared/itemids/item-ids.ts'
import type { Placing } from '#shared/itemids/place-item.ts'
import { decodeTrie, encodeTrie } from '#shared/itemids/trie-file.ts'
import {
  decodeArrays,
  encodeArrays,
  type NamedArray,
  type NamedArrays
} from '#shared/model/safetensors.ts'
import type { ReleaseFiles } from '#shared/releases/release-folder.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { Neighbours } from './neighbours.ts'
import { fileOf, floats, integers } from './release-arrays.ts'
import { momentsOf, type TrainedModel, trieOf } from './trained-model.ts'

/** The graphs that serving runs; what it needs beside them is told in shared/graphs. */
export const sessionGraphFile = 'session-encoder.onnx'
export const itemGraphFile = 'item-encoder.onnx'
/** Releases of before 2026-11-23 have none: their codes are told without words. */
const idWordsFile = 'id-words.json'
const trieFile = 'item-ids.trie'

/** The files of a release but for its manifest and its samples. */
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

/** What releases from before 2026-11-24 do not say: they were fitted without it. */
const earlierBlend = { returnWeight: 0 }

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
    blend: { ...earlierBlend, ...facts.blend },
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
