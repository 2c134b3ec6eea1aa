// A release of any size whose weights are random: what it recommends means nothing, what it costs is
// what a trained one of that size costs. Sizes of the model are those of the recipe.
import * as tf from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-backend-cpu'
import type { NodeMoments } from '#shared/inference/node-moments.ts'
import { createSessionEncoder, encodeStates } from '#shared/inference/session-encoder.ts'
import { takeParitySamples } from '#shared/inference/take-parity-samples.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { evenShape } from '#shared/itemids/scheme.ts'
import type { Trie } from '#shared/itemids/trie.ts'
import { initialDecoder } from '#shared/model/decoder.ts'
import { initialWeights, type ModelConfig, type Weights } from '#shared/model/model.ts'
import { encodeArrays, type NamedArrays } from '#shared/model/safetensors.ts'
import { arraysOf } from '#shared/model/weights.ts'
import type { TrainedAnswering } from '#shared/recommendations/answer-query.ts'
import { rankingOf } from '#shared/recommendations/load-model.ts'
import { paritySamplesFile } from '#shared/recommendations/load-shared-model.ts'
import { modelFiles } from '#shared/recommendations/model-files.ts'
import type { Neighbours } from '#shared/recommendations/neighbours.ts'
import { takeSample } from '#shared/recommendations/sample.ts'
import type { TrainedModel } from '#shared/recommendations/trained-model.ts'
import { writeRelease } from '#shared/releases/release-folder.ts'
import { createRandom, type Random } from '#shared/runtime/random.ts'
import { manifestFacts } from '#test/support/small-release.ts'

const [width, rowWidth, columns] = [64, 32, 8]
/**
 * Deviations of an item vector's numbers: of its first code, of each code between, and its own. The scores
 * of a node's children then spread as they do in the model of Amazon Beauty: by 1.4, 1.1 and 1.5 on its
 * three levels, by 1.3, .9, 1.1 and 1.5 on four. On that depends how much an exact search looks into.
 */
const deviations = { first: 0.14, middle: 0.13, own: 0.185 } as const
const neighboursOfItem = 20

const config: ModelConfig = {
  width,
  rowWidth,
  columns,
  rows: 1000,
  blocks: 2,
  heads: 2,
  maxLength: 20,
  eventTypes: 5,
  gapBuckets: 24,
  categoryClasses: []
}

/** Writes a release with `count` items, named i0, i1, … @returns its folder and manifest. */
export async function writeSyntheticRelease(folder: string, count: number) {
  await tf.setBackend('cpu')
  const bare = syntheticModel(count)
  const trie = buildTrie(bare.itemIds)
  const moments = randomMoments(trie, bare.vectors)
  const trained = { ...bare, moments }
  const encoder = createSessionEncoder(config, trained.weights, trained.vectors)
  const model: TrainedAnswering = {
    itemIndex: new Map(trained.itemKeys.slice(0, 1000).map((key, item) => [key, item])),
    keyOf: item => trained.itemKeys[item]!,
    encoder,
    stateAfter: session => encodeStates(encoder, [session])[0]!.slice(-width),
    ranking: rankingOf(trained),
    repeats: trained.repeats
  }
  const samples = takeParitySamples({ encoder, trie, moments, ...sampledInputs() })
  const files = { ...modelFiles(trained), [paritySamplesFile]: encodeArrays(samples) }
  const sample = takeSample(model, ['i1', 'i2', 'i3'])
  const releaseId = `synthetic-${count}`
  const written = await writeRelease(folder, manifestFacts({ releaseId, sample }), files)
  tf.dispose([encoder.weights, encoder.itemVectors] as tf.TensorContainer)
  return written
}

/** The item IDs of such a release. */
export function syntheticCodes(count: number): {
  readonly codes: Int32Array
  readonly depth: number
} {
  const { codes, levels } = hierarchicalItems(count, createRandom(1))
  return { codes, depth: levels }
}

function syntheticModel(count: number): TrainedModel {
  const random = createRandom(1)
  const { codes, vectors, levels, branching } = hierarchicalItems(count, random)
  const decoder = initialDecoder(width, levels, random)
  return {
    itemKeys: Array.from({ length: count }, (_, i) => `i${i}`),
    reading: { features: [], keyLayout: { name: 'item key', chunks: 2 }, buckets: 1 << 17 },
    reachedRows: Int32Array.from({ length: config.rows }, (_, row) => row),
    config,
    weights: { ...taken(initialWeights(config, random)), ...taken(decoder) },
    vectors,
    itemIds: {
      scheme: 'residual-kmeans',
      depth: levels,
      levelSizes: [
        ...new Array<number>(levels - 1).fill(branching),
        Math.ceil((2 * count) / branching ** (levels - 1))
      ],
      codes
    },
    placing: { scheme: 'residual-kmeans', width, centroids: new Float32Array(0) } as never,
    coVisitation: randomNeighbours(count, random),
    similarity: randomNeighbours(count, random),
    descriptions: {
      starts: new Int32Array(count + 1),
      values: new Int32Array(0),
      weights: new Float32Array(0)
    },
    clicks: Int32Array.from({ length: count }, () => 1 + random.integer(100)),
    blend: {
      coVisitationWeight: 0.3,
      similarityWeight: 0.3,
      returnWeight: 0,
      clickDecay: 0.6,
      newItemMargin: 0
    },
    repeats: true
  }
}

/** IDs of the shape that a trained release has, and vectors that fit them. */
function hierarchicalItems(count: number, random: Random) {
  const { levels, branching } = evenShape(count)
  const normal = (length: number, deviation: number) =>
    Float32Array.from({ length }, () => deviation * random.normal())
  const nodes = Array.from({ length: levels - 1 }, (_, level) =>
    normal(branching ** (level + 1) * width, level === 0 ? deviations.first : deviations.middle)
  )
  const own = normal(1 << 16, deviations.own) // read from a random place: a million times 64 is slow to draw
  const cells = new Int32Array(branching ** (levels - 1))
  const codes = new Int32Array(count * levels)
  const vectors = new Float32Array(count * width)
  for (let item = 0; item < count; item++) {
    const cell = random.integer(cells.length)
    const place = random.integer(own.length - width)
    const vector = vectors.subarray(item * width, (item + 1) * width)
    vector.set(own.subarray(place, place + width))
    nodes.forEach((rows, level) => {
      const node = Math.floor(cell / branching ** (levels - 2 - level))
      codes[item * levels + level] = node % branching
      for (let d = 0; d < width; d++) vector[d]! += rows[node * width + d]!
    })
    codes[(item + 1) * levels - 1] = cells[cell]!++
  }
  return { codes, vectors, levels, branching }
}

/** The true means; around them a spread in random directions, as large as below the second code. */
function randomMoments(trie: Trie, vectors: Float32Array): NodeMoments {
  const random = createRandom(3)
  const [inner, rank] = [trie.levelStarts[trie.depth]!, 4]
  const means = new Float32Array(inner * width)
  trie.leaf.forEach((leaf, item) => {
    for (let node = trie.parentOf(leaf); node >= 0; node = trie.parentOf(node)) {
      const share = 1 / trie.itemCountOf(node)
      for (let d = 0; d < width; d++) means[node * width + d]! += share * vectors[item * width + d]!
    }
  })
  return {
    width,
    rank,
    logCounts: Float32Array.from({ length: inner }, (_, node) => Math.log(trie.itemCountOf(node))),
    means,
    directions: Float32Array.from(
      { length: inner * rank * width },
      () => 0.3 * deviations.own * random.normal()
    ),
    diagonals: new Float32Array(inner * width).fill(0.5 * deviations.own ** 2)
  }
}

function randomNeighbours(count: number, random: Random): Neighbours {
  const starts = Int32Array.from({ length: count + 1 }, (_, item) => item * neighboursOfItem)
  const neighbours = Int32Array.from({ length: count * neighboursOfItem }, () =>
    random.integer(count)
  )
  const similarities = Float32Array.from(neighbours, (_, n) => 0.2 / (1 + (n % neighboursOfItem)))
  return { starts, neighbours, similarities }
}

function sampledInputs() {
  const random = createRandom(2)
  const matrix = (axis: number) => ({
    shape: [4, axis],
    values: Float32Array.from({ length: 4 * axis }, random.normal)
  })
  const sessions = [1, 5, config.maxLength].map(length => ({
    items: Int32Array.from({ length }, () => random.integer(1000)),
    types: new Int32Array(length),
    gaps: new Int32Array(length)
  }))
  return { sessions, items: { key: matrix(width), metadata: matrix(columns * rowWidth) } }
}

function taken(weights: Weights): NamedArrays {
  const arrays = arraysOf(weights)
  tf.dispose(weights as tf.TensorContainer)
  return arrays
}
