import * as tf from '@tensorflow/tfjs-core'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { beamSearch } from '#shared/inference/beam-search.ts'
import { type NodeMoments, nodeMoments } from '#shared/inference/node-moments.ts'
import type { Candidate } from '#shared/inference/search-task.ts'
import {
  createTokenDecoder,
  type DecoderWeights,
  decodeSession,
  dot
} from '#shared/inference/token-decoder.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { Exclusions } from '#shared/itemids/exclusions.ts'
import { assignResidualKmeans } from '#shared/itemids/residual-kmeans.ts'
import { childrenOf, codesOf, noChildren, type Trie } from '#shared/itemids/trie.ts'
import { decoderStates, type LevelTensors, levelScores } from '#shared/model/decoder.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { expectClose, useBackend } from '#test/support/tensorflow.ts'
import { tinyCatalogue } from '#test/support/tiny-catalogue.ts'

beforeAll(() => useBackend('cpu'))

test('the decoder on plain arrays scores every node as the one on tensors does', () => {
  const cases = fc.record({
    trie: tinyCatalogue().map(buildTrie),
    width: fc.integer({ min: 1, max: 6 }),
    seed: fc.nat()
  })

  fc.assert(
    fc.property(cases, ({ trie, width, seed }) => {
      const normal = normalArrays(seed)
      const moments = nodeMoments(trie, normal(trie.leaf.length * width), width)
      const weights = decoderWeights(trie.depth, width, normal)
      const session = normal(width)
      const decoder = decodeSession(createTokenDecoder(trie, moments, weights), session)

      for (let node = 0; node < trie.levelStarts[trie.depth]!; node++) {
        const children = noChildren()
        trie.readChildren(node, children)
        const scores = new Float64Array(children.count)
        decoder.scoreChildren(node, children, scores)

        expectClose(scores, scoresByTensors({ trie, moments, weights, session, node }), 1e-3)
      }
    }),
    { numRuns: 60 }
  )
})

test.each([1, 2])(
  'more children than the kernel takes at once are all scored, %i codes deep',
  depth => {
    const [count, width] = [5000, 2]
    const codes = Int32Array.from({ length: count * depth }, (_, at) =>
      at % depth === 0 ? at / depth : 0
    )
    const levelSizes = Array.from({ length: depth }, () => count)
    const trie = buildTrie({ scheme: 'residual-kmeans', depth, levelSizes, codes })
    const normal = normalArrays(1)
    const moments = nodeMoments(trie, normal(count * width), width)
    const weights = decoderWeights(depth, width, normal)
    const session = normal(width)
    const children = noChildren()
    trie.readChildren(0, children)
    const scores = new Float64Array(count)

    const decoder = decodeSession(createTokenDecoder(trie, moments, weights), session)
    decoder.scoreChildren(0, children, scores)

    expectClose(scores, scoresByTensors({ trie, moments, weights, session, node: 0 }), 1e-3)
  }
)

describe('an untrained decoder', () => {
  test('gives items nearly the probability of the dense head where clusters are tight', () => {
    const catalogue = clusteredCatalogue({ clusters: 6, deviation: 0.1 }) // six codes on a level
    const state = Float32Array.from({ length: catalogue.width }, (_, d) => 2 * Math.sin(d + 1))

    const found = catalogue.untrained(state)

    const dense = denseLogProbabilities(state, catalogue.vectors)
    for (const { item, logProbability } of found) {
      expect(Math.abs(logProbability - dense[item]!)).toBeLessThan(0.03)
    }
  })

  test('comes closer to the dense head by the covariance of its nodes', () => {
    const { vectors, width, untrained, untrainedByMeans } = clusteredCatalogue({
      clusters: 20,
      deviation: 0.5
    })

    // Where states are long and a node holds few, scattered items, the approximation overshoots.
    const states = Array.from({ length: 30 }, (_, seed) =>
      normalArrays(seed)(width).map(value => value / 3)
    )

    const [withCovariance, withMeans] = [untrained, untrainedByMeans].map(decode =>
      states.reduce(
        (sum, state) => sum + divergence(denseLogProbabilities(state, vectors), decode(state)) / 30,
        0
      )
    )

    expect(withMeans).toBeGreaterThan(0.01)
    expect(withCovariance).toBeLessThan(withMeans! / 2)
  })

  test('decodes real item IDs only, and none that is excluded', () => {
    const { itemIds, trie, width, untrained } = clusteredCatalogue({ clusters: 20, deviation: 0.5 })
    const excluded = Array.from({ length: 100 }, (_, i) => i * 2)
    const ids = new Set(
      Array.from(trie.leaf.keys(), i => itemIds.codes.subarray(i * 3, i * 3 + 3).join())
    )

    const found = untrained(new Float32Array(width).fill(1), excluded)

    expect(found).toHaveLength(100)
    for (const { item } of found) {
      expect(item % 2).toBe(1)
      expect(ids).toContain(codesOf(trie, trie.leaf[item]!).join())
    }
  })
})

/** 200 items of width 8 in clusters of the given deviation, and the decoder before any training. */
function clusteredCatalogue({ clusters, deviation }: { clusters: number; deviation: number }) {
  const [count, width] = [200, 8]
  const normal = normalArrays(4)
  const centres = normal(clusters * width)
  const vectors = normal(count * width).map((noise, at) => {
    const [i, d] = [Math.floor(at / width), at % width]
    return centres[(i % clusters) * width + d]! + deviation * noise
  })
  const { itemIds } = assignResidualKmeans(vectors, width, createRandom(1))
  const trie = buildTrie(itemIds)
  const moments = nodeMoments(trie, vectors, width)
  const means = {
    ...moments,
    directions: moments.directions.map(() => 0),
    diagonals: moments.diagonals.map(() => 0)
  }
  const weights = { ...decoderWeights(3, width, normal), output: new Float32Array(width * width) }
  const decode =
    (by: NodeMoments) =>
    (state: Float32Array, excluded: number[] = []) =>
      beamSearch({
        trie,
        scorer: decodeSession(createTokenDecoder(trie, by, weights), state),
        exclusions: new Exclusions(trie, excluded),
        width: count
      })
  return {
    vectors,
    width,
    itemIds,
    trie,
    untrained: decode(moments),
    untrainedByMeans: decode(means)
  }
}

/** Kullback-Leibler divergence of what was decoded from the dense head, in nats. */
function divergence(dense: Float32Array, found: readonly Candidate[]): number {
  return found.reduce(
    (sum, { item, logProbability }) =>
      sum + Math.exp(dense[item]!) * (dense[item]! - logProbability),
    0
  )
}

function denseLogProbabilities(state: Float32Array, vectors: Float32Array): Float32Array {
  const count = vectors.length / state.length
  const logits = Float32Array.from({ length: count }, (_, i) =>
    dot(state, vectors, i * state.length)
  )
  return tf.tidy(() => tf.logSoftmax(tf.tensor1d(logits)).dataSync() as Float32Array)
}

interface NodeCase {
  readonly trie: Trie
  readonly moments: NodeMoments
  readonly weights: DecoderWeights
  readonly session: Float32Array
  readonly node: number
}

/** Scores of a node's children by the functions that training uses. */
function scoresByTensors({ trie, moments, weights, session, node }: NodeCase): Float32Array {
  return tf.tidy(() => {
    const D = moments.width
    const level = codesOf(trie, node).length
    const mean = node === 0 ? new Float32Array(D) : moments.means.subarray(node * D, node * D + D)
    const matrix = (values: Float32Array) => tf.tensor2d(values, [values.length / D, D])
    const named = {
      'decoder.session': matrix(weights.session),
      'decoder.node': matrix(weights.node),
      'decoder.level': matrix(weights.level),
      'decoder.output': matrix(weights.output)
    }
    const states = decoderStates(named, matrix(session), matrix(mean), level)
    const scores = levelScores(states, childrenTensors(trie, moments, node))
    return scores.dataSync() as Float32Array
  })
}

function childrenTensors(trie: Trie, moments: NodeMoments, node: number): LevelTensors {
  const { width: D, rank } = moments
  const children = childrenOf(trie, node)
  const rows = (of: (child: number) => Float32Array) =>
    tf.tensor2d(children.map(child => Array.from(of(child))))
  const logCounts = tf.tensor1d(children.map(child => moments.logCounts[child]!))
  const means = rows(child => moments.means.subarray(child * D, child * D + D))
  if (children[0]! >= trie.levelStarts[trie.depth]!) return { logCounts, means }
  const directions = Array.from({ length: rank }, (_, r) =>
    rows(child => moments.directions.subarray((child * rank + r) * D, (child * rank + r + 1) * D))
  )
  const diagonal = rows(child => moments.diagonals.subarray(child * D, child * D + D))
  return { logCounts, means, covariance: { directions, diagonal } }
}

function decoderWeights(
  depth: number,
  D: number,
  normal: (length: number) => Float32Array
): DecoderWeights {
  return {
    session: normal(D * D),
    node: normal(D * D),
    level: normal(depth * D),
    output: normal(D * D)
  }
}

function normalArrays(seed: number): (length: number) => Float32Array {
  const random = createRandom(seed)
  return length => Float32Array.from({ length }, () => random.normal())
}
