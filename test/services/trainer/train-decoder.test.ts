import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import type { SettledRecipe } from '#services/trainer/config.ts'
import { type TrainedDecoder, trainDecoder } from '#services/trainer/train-decoder.ts'
import type { Reporter } from '#services/trainer/train-encoder.ts'
import type { Question } from '#shared/evaluation/evaluate.ts'
import { beamSearch } from '#shared/inference/beam-search.ts'
import { nodeMoments } from '#shared/inference/node-moments.ts'
import { createTokenDecoder, decodeSession } from '#shared/inference/token-decoder.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { Exclusions } from '#shared/itemids/exclusions.ts'
import { assignResidualKmeans } from '#shared/itemids/residual-kmeans.ts'
import { decoderWeights } from '#shared/recommendations/trained-model.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { useBackend } from '#test/support/tensorflow.ts'
import { listeningReporter, tinyRecipe } from '#test/support/tiny-training.ts'

beforeAll(() => useBackend('cpu'))

const [itemCount, width] = [40, 6]
const random = createRandom(3)
const vectors = Float32Array.from({ length: itemCount * width }, () => random.normal())
const trie = buildTrie(assignResidualKmeans(vectors, width, createRandom(1)).itemIds)
const moments = nodeMoments(trie, vectors, width)
const questions = questionsAbout([7, 21, 33, 12, 7, 21], 0.1)

describe('trainDecoder', () => {
  test('learns a handful of answers by heart', async () => {
    const trained = await train({ decoderEpochs: 50, decoderLearningRate: 0.1 })

    expect(trained.untrainedLoss).toBeGreaterThan(1)
    expect(trained.loss).toBeLessThan(0.2)
    for (const { state, target } of questions) {
      expect(decode(trained, state)[0]!.item).toBe(target)
    }
  })

  test('states the loss that the decoder of serving has, before and after', async () => {
    const untrained = await train({ decoderEpochs: 0 })
    const trained = await train({ decoderEpochs: 5 })

    expect(untrained.untrainedLoss).toBe(untrained.loss)
    expect(untrained.loss).toBeCloseTo(lossWhenServing(untrained), 4)
    expect(trained.untrainedLoss).toBeCloseTo(untrained.loss, 6)
    expect(trained.loss).toBeCloseTo(lossWhenServing(trained), 4)
    expect(trained.loss).toBeLessThan(trained.untrainedLoss)
  })

  test('keeps the untrained weights where no epoch is better', async () => {
    const state = vectors.slice(0, width)
    const found = decode(await train({ decoderEpochs: 0 }), state)
    const [validation, training] = [found[0]!, found.at(-1)!].map(({ item }) => [
      { clicked: Int32Array.of(), state, target: item }
    ])
    const untrained = await train({ decoderEpochs: 0 }, { validation: validation! })

    const misled = await train(
      { decoderEpochs: 3 },
      { training: training!, validation: validation! }
    )

    expect(misled).toEqual(untrained)
  })

  test('gives the same weights for the same seed, and others for another', async () => {
    const recipe = { decoderEpochs: 2, clicksPerBatch: 2 }

    const [first, again, other] = [
      await train(recipe, { seed: 1 }),
      await train(recipe, { seed: 1 }),
      await train(recipe, { seed: 2 })
    ]

    expect(again).toEqual(first)
    expect(other.weights).not.toEqual(first.weights)
  })

  test('leaves no tensor behind', async () => {
    const before = tf.memory()

    await train({ decoderEpochs: 2, clicksPerBatch: 4 })

    expect(tf.memory().numTensors).toBe(before.numTensors)
    expect(tf.memory().numBytes).toBe(before.numBytes)
  })

  test('reports each step of every epoch', async () => {
    const report = listeningReporter()

    await train({ decoderEpochs: 2, clicksPerBatch: 4 }, { report })

    expect(report.lines).toEqual(['training the decoder of 4', '1', '2', '3', '4', 'finished'])
  })

  test('learns of a catalogue of a single item that it is certain', async () => {
    const one = Float32Array.of(1, 2)
    const lone = buildTrie(assignResidualKmeans(one, 2, createRandom(1)).itemIds)
    const state = Float32Array.of(1, 0)
    const asked: Question[] = [{ clicked: Int32Array.of(0), state, target: 0 }]

    const trained = await trainDecoder({
      trie: lone,
      moments: nodeMoments(lone, one, 2),
      training: asked,
      validation: asked,
      recipe: tinyRecipe,
      random: createRandom(1),
      report: listeningReporter()
    })

    expect(trained.loss).toBe(0)
  })
})

interface Circumstances {
  readonly seed?: number
  readonly report?: Reporter
  readonly training?: readonly Question[]
  readonly validation?: readonly Question[]
}

function train(
  changes: Partial<SettledRecipe>,
  circumstances: Circumstances = {}
): Promise<TrainedDecoder> {
  const { seed = 1, ...others } = circumstances
  return trainDecoder({
    trie,
    moments,
    training: questions,
    validation: questions,
    recipe: { ...tinyRecipe, ...changes },
    random: createRandom(seed),
    report: listeningReporter(),
    ...others
  })
}

function decode(trained: TrainedDecoder, state: Float32Array) {
  const decoder = createTokenDecoder(trie, moments, decoderWeights(trained.weights))
  return beamSearch({
    trie,
    scorer: decodeSession(decoder, state),
    exclusions: new Exclusions(trie, []),
    width: itemCount
  })
}

/** Mean of -log P(target) by the decoder on plain arrays. */
function lossWhenServing(trained: TrainedDecoder): number {
  const losses = questions.map(({ state, target }) => {
    const found = decode(trained, state).find(({ item }) => item === target)!
    return -found.logProbability
  })
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length
}

/** A question for each target, its state near none of the items in particular. */
function questionsAbout(targets: number[], deviation: number): Question[] {
  const drawn = createRandom(9)
  const stateOf = new Map<number, Float32Array>()
  return targets.map(target => {
    const known = stateOf.get(target)
    const state = known ?? Float32Array.from({ length: width }, () => drawn.normal())
    stateOf.set(target, state)
    const noisy = state.map(value => value + deviation * drawn.normal())
    return { clicked: Int32Array.of(0), state: noisy, target }
  })
}
