// From the folder of a release to a model in shared memory that has proven to compute what its training
// computed.
import { checkParity } from '#shared/inference/parity-samples.ts'
import { decodeArrays } from '#shared/model/safetensors.ts'
import { type Release, readRelease } from '#shared/releases/release-folder.ts'
import { answerQueries } from './answer-query.ts'
import { shareKeys } from './item-keys.ts'
import { fileOf, itemGraphFile, rankingOf, readModel, sessionGraphFile } from './release-model.ts'
import { compareSample, sampleQuery } from './sample.ts'
import { openSharedModel, type SharedModel } from './shared-model.ts'

/** The file of the release with what parity-samples.ts checks. */
export const paritySamplesFile = 'parity-samples.safetensors'

/**
 * Reads a release, lays it out in shared memory and checks it: hashes, parity samples, and the sample
 * question.
 *
 * @param seats threads that will answer with it at once; the first one is also used here.
 * @throws RecommenderError RELEASE_NOT_FOUND or RELEASE_CORRUPT, saying what is wrong.
 */
export async function loadSharedModel(folder: string, seats: number): Promise<SharedModel> {
  const { manifest, files } = await readRelease(folder)
  const model = shareModel(manifest.releaseId, files, seats)
  const opened = await openSharedModel(model, 0)
  const { sessions, ranking } = opened
  const itemGraph = fileOf(files, itemGraphFile)
  const samples = decodeArrays(fileOf(files, paritySamplesFile))
  await checkParity({ sessions, itemGraph, decoder: ranking.decoder }, samples)
  const [answer] = await answerQueries(opened, [sampleQuery(manifest.sample.clicked)])
  compareSample(manifest.sample, answer!)
  await sessions.close()
  return model
}

function shareModel(releaseId: string, files: Release['files'], seats: number): SharedModel {
  const trained = readModel(files)
  const { decoder, byPopularity, newItems, coVisitation } = rankingOf(trained, seats)
  return {
    releaseId,
    config: trained.config,
    blend: trained.blend,
    repeats: trained.repeats,
    keys: shareKeys(trained.itemKeys),
    trie: decoder.trie.memory,
    decoder: decoder.shared,
    coVisitation: {
      starts: shared(coVisitation.starts),
      neighbours: shared(coVisitation.neighbours),
      similarities: sharedFloats(coVisitation.similarities)
    },
    byPopularity: shared(byPopularity),
    newItems: shared(Int32Array.from(newItems)),
    sessionGraph: Uint8Array.from(fileOf(files, sessionGraphFile))
  }
}

function shared(values: Int32Array): Int32Array {
  const copy = new Int32Array(new SharedArrayBuffer(values.byteLength))
  copy.set(values)
  return copy
}

function sharedFloats(values: Float32Array): Float32Array {
  const copy = new Float32Array(new SharedArrayBuffer(values.byteLength))
  copy.set(values)
  return copy
}
