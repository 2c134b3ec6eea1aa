// What the graphs of a release are held to when it is loaded: sessions of validation and items, with what
// TF.js computes for them. The test part leaves no trace in a release but its metrics.
import { takeParitySamples } from '#shared/inference/take-parity-samples.ts'
import { encodeArrays } from '#shared/model/safetensors.ts'
import { embedBags } from '#shared/model/unified-embedding.ts'
import type { LoadedModel } from '#shared/recommendations/load-model.ts'
import { paritySamplesFile } from '#shared/recommendations/load-shared-model.ts'
import { partOf } from '#shared/recommendations/session-input.ts'
import type { ReleaseFiles } from '#shared/releases/release-folder.ts'
import { readBags, readsOf } from './item-table.ts'
import { sampleOf, type TrainingSet } from './training-set.ts'

const sampleSize = 16

/** The file to be written beside modelFiles. */
export function parityFile(
  { encoder, ranking, trained }: LoadedModel,
  set: TrainingSet
): ReleaseFiles {
  const { maxLength, rowWidth } = trained.config
  const sessions = set.validation
    .filter(({ items }) => items.length > 0)
    .map(session =>
      partOf(session, Math.max(0, session.items.length - maxLength), session.items.length)
    )
  const items = Int32Array.from(sampleOf(Array.from(set.itemKeys.keys()), sampleSize))
  const table = trained.weights.table!.values as Float32Array
  const samples = takeParitySamples({
    encoder,
    trie: ranking.decoder.trie.base,
    sessions: sampleOf(sessions, sampleSize).slice(0, sampleSize),
    items: readBags(
      lookups => embedBags(table, rowWidth, lookups),
      readsOf(set, items),
      items.length
    )
  })
  return { [paritySamplesFile]: encodeArrays(samples) }
}
