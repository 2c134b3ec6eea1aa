// From the folder of a release to a model in shared memory that has proven to compute what its training
// computed.
import { rowsInOrderOf } from '#shared/inference/item-vectors.ts'
import { checkParity } from '#shared/inference/parity-samples.ts'
import { decodeArrays } from '#shared/model/safetensors.ts'
import { type Release, readRelease } from '#shared/releases/release-folder.ts'
import { allocateAddedKeys } from './added-keys.ts'
import { allocateAddedNeighbours } from './added-neighbours.ts'
import { answerQueries } from './answer-query.ts'
import { shareIdWords } from './id-words.ts'
import { shareKeys } from './item-keys.ts'
import { type LivingParts, nodeRoomFor, roomFor } from './living-items.ts'
import { rankingOf } from './load-model.ts'
import { itemGraphFile, readModel, sessionGraphFile } from './model-files.ts'
import type { Neighbours } from './neighbours.ts'
import { fileOf } from './release-arrays.ts'
import { compareSample, sampleQuery } from './sample.ts'
import { openSharedModel, type SharedModel } from './shared-model.ts'
import { decoderWeights, type TrainedModel, trieOf } from './trained-model.ts'

/** The file of the release with what parity-samples.ts checks. */
export const paritySamplesFile = 'parity-samples.safetensors'

/** A release in shared memory, with what keeps its items up with the catalogue. */
export interface LoadedRelease {
  readonly model: SharedModel
  readonly parts: LivingParts
}

export interface SharingOptions {
  /** Threads that will answer with it at once; the first one is also used here. */
  readonly seats: number
  /** Items that may come later, where not as many as `roomFor` says; all processes need the same. */
  readonly room?: number | undefined
}

/**
 * Reads a release, lays it out in shared memory and checks it: hashes, parity samples, and the sample
 * question.
 *
 * @throws RecommenderError RELEASE_NOT_FOUND or RELEASE_CORRUPT, saying what is wrong.
 */
export async function loadSharedModel(
  folder: string,
  options: SharingOptions
): Promise<LoadedRelease> {
  const { manifest, files } = await readRelease(folder)
  const trained = readModel(files)
  const model = shareModel(trained, { manifest, files }, options)
  const opened = await openSharedModel(model, 0)
  const { sessions, ranking } = opened
  const itemGraph = fileOf(files, itemGraphFile)
  const samples = decodeArrays(fileOf(files, paritySamplesFile))
  await checkParity({ sessions, itemGraph, decoder: ranking.decoder }, samples)
  const [answer] = await answerQueries(opened, [sampleQuery(opened, manifest.sample.clicked)])
  compareSample(manifest.sample, answer!)
  await sessions.close()
  return { model, parts: livingParts(trained, itemGraph) }
}

function shareModel(
  trained: TrainedModel,
  { manifest, files }: Release,
  { seats, room: asked }: SharingOptions
): SharedModel {
  const { itemIds } = trained
  const itemCount = trained.itemKeys.length
  const room = asked ?? roomFor(itemCount)
  const trie = trieOf(trained)
  const vectorRows = rowsInOrderOf(trie)
  const { decoder, byPopularity, newItems, coVisitation, similarity } = rankingOf(trained, {
    seats,
    trie,
    vectorRows,
    room: { items: room, innerNodes: nodeRoomFor(itemCount) }
  })
  return {
    releaseId: manifest.releaseId,
    config: trained.config,
    blend: trained.blend,
    repeats: trained.repeats,
    keys: shareKeys(trained.itemKeys),
    itemCount,
    trie: trie.memory,
    decoder: decoder.shared,
    coVisitation: sharedNeighbours(coVisitation),
    similarity: sharedNeighbours(similarity),
    byPopularity: withRoom(byPopularity, room),
    // All of them are read for each request: in the order in which their vectors stand.
    newItems: shared(Int32Array.from(newItems).sort((a, b) => vectorRows.of(a) - vectorRows.of(b))),
    sessionGraph: Uint8Array.from(fileOf(files, sessionGraphFile)),
    categories: trained.categories && {
      levels: trained.categories.levels,
      classes: shared(trained.categories.classes)
    },
    idWords: trained.idWords && shareIdWords(trained.idWords),
    additions: {
      room,
      keys: allocateAddedKeys(room),
      known: new SharedArrayBuffer(room),
      momentRows: new SharedArrayBuffer(4 * room * (itemIds.depth - 1)),
      neighbours: allocateAddedNeighbours(itemCount, room)
    },
    trainedVersion: manifest.data.catalogVersion ?? 0
  }
}

function livingParts(trained: TrainedModel, itemGraph: Uint8Array): LivingParts {
  const { config, reading, reachedRows, weights, clicks, itemIds, placing, descriptions } = trained
  const table = weights.table!.values as Float32Array
  const { node, level } = decoderWeights(weights)
  const hasKey = new Uint8Array(new SharedArrayBuffer(clicks.length))
  clicks.forEach((count, item) => {
    hasKey[item] = count > 0 ? 1 : 0
  })
  return {
    config,
    reading,
    reachedRows: shared(reachedRows),
    table: sharedFloats(table, table.length + config.rowWidth),
    itemGraph: Uint8Array.from(itemGraph),
    hasKey,
    codes: shared(itemIds.codes),
    descriptions: {
      starts: shared(descriptions.starts),
      values: shared(descriptions.values),
      weights: sharedFloats(descriptions.weights)
    },
    placing: { ...placing, centroids: sharedFloats(placing.centroids) },
    decoder: { node: sharedFloats(node), level: sharedFloats(level) }
  }
}

/** The items of the release, then those that may come, in the order of their numbers. */
function withRoom(items: Int32Array, room: number): Int32Array {
  const all = new Int32Array(new SharedArrayBuffer(4 * (items.length + room)))
  all.set(items)
  for (let item = items.length; item < all.length; item++) all[item] = item
  return all
}

function sharedNeighbours({ starts, neighbours, similarities }: Neighbours): Neighbours {
  return {
    starts: shared(starts),
    neighbours: shared(neighbours),
    similarities: sharedFloats(similarities)
  }
}

function shared(values: Int32Array): Int32Array {
  const copy = new Int32Array(new SharedArrayBuffer(values.byteLength))
  copy.set(values)
  return copy
}

/** @param length zeros follow the values. */
function sharedFloats(values: Float32Array, length = values.length): Float32Array {
  const copy = new Float32Array(new SharedArrayBuffer(4 * length))
  copy.set(values)
  return copy
}
