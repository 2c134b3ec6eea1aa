// A model with random weights, and a release of it: everything that loading, searching and answering
// do with a trained one can be tested on it, in no time.
import * as tf from '@tensorflow/tfjs-core'
import type { Pool } from '#shared/database/pool.ts'
import { takeParitySamples } from '#shared/inference/take-parity-samples.ts'
import { assignItemIds } from '#shared/itemids/assign-item-ids.ts'
import { initialDecoder } from '#shared/model/decoder.ts'
import type { Weights } from '#shared/model/model.ts'
import { encodeArrays, type NamedArrays } from '#shared/model/safetensors.ts'
import { arraysOf } from '#shared/model/weights.ts'
import { fitCoVisitation } from '#shared/recommendations/co-visitation.ts'
import { describeItems } from '#shared/recommendations/content-similarity.ts'
import { type LoadedModel, loadModel } from '#shared/recommendations/load-model.ts'
import { paritySamplesFile } from '#shared/recommendations/load-shared-model.ts'
import { modelFiles } from '#shared/recommendations/model-files.ts'
import { takeSample } from '#shared/recommendations/sample.ts'
import type { TrainedModel } from '#shared/recommendations/trained-model.ts'
import type { Manifest } from '#shared/releases/manifest.ts'
import { announceRelease } from '#shared/releases/registry.ts'
import { writeRelease } from '#shared/releases/release-folder.ts'
import { createRandom, type Random } from '#shared/runtime/random.ts'
import { tinyConfig, tinyWeights } from './tiny-model.ts'

const { width, rows } = tinyConfig

/** A TF.js backend must have been started. @param itemKeys in the order of the release. */
export function smallModel(itemKeys: readonly string[], seed = 1): TrainedModel {
  const random = createRandom(seed)
  const vectors = Float32Array.from({ length: itemKeys.length * width }, random.normal)
  const { itemIds, placing } = assignItemIds('residual-kmeans', {
    items: itemKeys.map(key => ({ key, attributes: {}, isVisible: true })),
    sessions: [],
    width,
    vectors,
    metadataVectors: vectors,
    random
  })
  const sessions = Array.from({ length: 50 }, () =>
    Int32Array.from({ length: 6 }, () => random.integer(itemKeys.length))
  )
  return {
    itemKeys,
    reading: {
      // No test gives items a weight: they are described as in training, and keep their vectors.
      features: [
        { kind: 'number', name: 'weight', attribute: 'weight', chunks: 3, boundaries: [5] }
      ],
      keyLayout: { name: 'item key', chunks: 2 },
      buckets: 64
    },
    reachedRows: Int32Array.from({ length: rows }, (_, row) => 3 * row),
    config: tinyConfig,
    weights: { ...taken(tinyWeights(seed)), ...taken(decoderOf(random)) },
    vectors,
    itemIds,
    placing,
    coVisitation: fitCoVisitation(sessions, itemKeys.length, 'all'),
    similarity: fitCoVisitation(sessions.slice(0, 25), itemKeys.length, 'distinct'),
    descriptions: describeItems(
      itemKeys.map(key => ({ key, attributes: {}, isVisible: true })),
      []
    ),
    clicks: Int32Array.from(itemKeys, () => random.integer(100)),
    blend: {
      coVisitationWeight: 0.4,
      similarityWeight: 0.2,
      returnWeight: 0.1,
      clickDecay: 0.6,
      newItemMargin: 0.5
    },
    repeats: true
  }
}

/** A decoder whose correction does something: a fresh one's output is zero. */
function decoderOf(random: Random): Weights {
  const fresh = initialDecoder(width, 3, random)
  tf.dispose(fresh['decoder.output'])
  const output = Float32Array.from({ length: width ** 2 }, () => random.normal() / 4)
  return { ...fresh, 'decoder.output': tf.tensor2d(output, [width, width]) }
}

function taken(weights: Weights): NamedArrays {
  const arrays = arraysOf(weights)
  tf.dispose(weights as tf.TensorContainer)
  return arrays
}

/** Everything of a manifest but the files. */
export function manifestFacts(facts: Partial<Manifest> = {}): Omit<Manifest, 'files'> {
  return {
    format: 1,
    releaseId: '20260301T090000Z-0a1b2c',
    createdAt: '2026-03-01T09:00:00.000Z',
    madeWith: { nextrie: '0.1.0' },
    seed: 1,
    config: {},
    data: {
      fromPosition: 1,
      toPosition: 300,
      firstEventAt: '2026-01-01T08:00:00.000Z',
      lastEventAt: '2026-02-27T16:00:00.000Z',
      validationFrom: '2026-01-31T00:00:00.000Z',
      testFrom: '2026-02-14T00:00:00.000Z',
      events: 300,
      items: 6,
      sessions: { training: 50, validation: 6, test: 6 },
      eventIdsSha256: 'ab'.repeat(32)
    },
    metrics: [],
    sample: { clicked: [], answer: [] },
    ...facts
  }
}

/** Writes a release that answers its sample as the model does. @returns the path of its folder. */
export async function writeSmallRelease(
  folder: string,
  trained: TrainedModel,
  facts: Partial<Manifest> = {}
): Promise<string> {
  return (await writeWhole(folder, trained, facts)).location
}

/** The same, and makes it the live one. */
export async function publishSmallRelease(
  pool: Pool,
  { folder, trained, releaseId }: { folder: string; trained: TrainedModel; releaseId: string }
): Promise<string> {
  const release = await writeWhole(folder, trained, { releaseId })
  await announceRelease(pool, release)
  return release.location
}

async function writeWhole(folder: string, trained: TrainedModel, facts: Partial<Manifest>) {
  const model = loadModel(trained)
  const sample = takeSample(model, trained.itemKeys.slice(0, 2))
  const manifest = manifestFacts({ sample, ...facts })
  const files = { ...modelFiles(trained), [paritySamplesFile]: paritySamples(model) }
  return writeRelease(folder, manifest, files)
}

/** Sessions on the first items, and items whose embedded features are made up. */
function paritySamples({ encoder, ranking, trained }: LoadedModel): Uint8Array {
  const { width, rowWidth, columns, maxLength } = trained.config
  const random = createRandom(7)
  const matrix = (axis: number) => ({
    shape: [3, axis],
    values: Float32Array.from({ length: 3 * axis }, random.normal)
  })
  const sessions = [1, maxLength].map(length => ({
    items: Int32Array.from({ length }, () => random.integer(trained.itemKeys.length)),
    types: Int32Array.from({ length }, () => random.integer(2)),
    gaps: Int32Array.from({ length }, (_, n) => (n > 0 ? 1 : 0))
  }))
  const items = { key: matrix(width), metadata: matrix(columns * rowWidth) }
  return encodeArrays(
    takeParitySamples({ encoder, trie: ranking.decoder.trie.base, sessions, items })
  )
}
