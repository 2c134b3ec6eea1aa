// Takes the samples that parity-samples.ts describes, by the functions that training uses.
import * as tf from '@tensorflow/tfjs-core'
import { childrenOf, type Trie } from '#shared/itemids/trie.ts'
import { decoderStates, type LevelTensors, levelScores } from '#shared/model/decoder.ts'
import { encodeItems } from '#shared/model/model.ts'
import type { NamedArray, NamedArrays } from '#shared/model/safetensors.ts'
import { type NodeMoments, nodeMoments } from './node-moments.ts'
import { type EncoderInput, encodeStates, type SessionEncoder } from './session-encoder.ts'

/** Items whose dense scores are sampled, for each session. */
const denseItems = 50

export interface ParityTask {
  /** Encoder and decoder weights as tensors, and the item vectors. */
  readonly encoder: SessionEncoder
  readonly trie: Trie
  /** Of the trie and the item vectors, where they are at hand. */
  readonly moments?: NodeMoments
  /** Real sessions, at most config.maxLength clicks each. */
  readonly sessions: readonly EncoderInput[]
  /** [n, D] and [n, F * E]: the embedded features of some items, see ItemTensors. */
  readonly items: { readonly key: NamedArray; readonly metadata: NamedArray }
}

export function takeParitySamples(task: ParityTask): NamedArrays {
  const { encoder, trie, sessions, items } = task
  const D = encoder.config.width
  const states = encodeStates(encoder, sessions).map(all => all.slice(-D))
  const nodes = sessions.flatMap(session => pathTo(trie, session.items.at(-1)!))
  const column = (name: keyof EncoderInput) =>
    list(Int32Array.from(sessions.flatMap(session => Array.from(session[name]))))
  return {
    'sessions.lengths': list(Int32Array.from(sessions, session => session.items.length)),
    'sessions.items': column('items'),
    'sessions.types': column('types'),
    'sessions.gaps': column('gaps'),
    'sessions.states': list(floats(states.flatMap(state => Array.from(state)))),
    'items.key': items.key,
    'items.metadata': items.metadata,
    'items.vectors': list(vectorsOf(task)),
    'decoder.nodes': list(Int32Array.from(nodes)),
    'decoder.scores': list(nodeScores(task, states, nodes)),
    'dense.scores': list(denseScores(encoder, states))
  }
}

/** The nodes that are asked for their children on the way to an item, the root first. */
function pathTo(trie: Trie, item: number): number[] {
  const path: number[] = []
  for (let n = trie.parentOf(trie.leafOf(item)); n >= 0; n = trie.parentOf(n)) path.unshift(n)
  return path
}

function vectorsOf({ encoder: { weights, config }, items }: ParityTask): Float32Array {
  const matrix = ({ values, shape }: NamedArray) => tf.tensor2d(values, shape as [number, number])
  return tf.tidy(() => {
    const bags = { key: matrix(items.key), metadata: matrix(items.metadata) }
    return encodeItems(weights, config, bags).dataSync() as Float32Array
  })
}

function nodeScores(
  { encoder, trie, moments: known }: ParityTask,
  states: readonly Float32Array[],
  nodes: readonly number[]
): Float32Array {
  const D = encoder.config.width
  const vectors = encoder.itemVectors.dataSync() as Float32Array
  const moments = known ?? nodeMoments(trie, vectors, D)
  const scores = nodes.map((node, i) =>
    tf.tidy(() => {
      const level = i % trie.depth
      const mean = level === 0 ? new Float32Array(D) : moments.means.slice(node * D, (node + 1) * D)
      const session = tf.tensor2d(states[Math.floor(i / trie.depth)]!, [1, D])
      const state = decoderStates(encoder.weights, session, tf.tensor2d(mean, [1, D]), level)
      return levelScores(
        state,
        childrenTensors(trie, { moments, vectors }, node)
      ).dataSync() as Float32Array
    })
  )
  return floats(scores.flatMap(part => Array.from(part)))
}

function childrenTensors(
  trie: Trie,
  { moments, vectors }: { readonly moments: NodeMoments; readonly vectors: Float32Array },
  node: number
): LevelTensors {
  const { width: D, rank } = moments
  const children = childrenOf(trie, node)
  const rows = (all: Float32Array, rowOf: (child: number) => number) =>
    tf.tensor2d(children.map(c => Array.from(all.subarray(rowOf(c) * D, (rowOf(c) + 1) * D))))
  if (children[0]! >= trie.levelStarts[trie.depth]!) {
    const means = rows(vectors, leaf => trie.itemOf(leaf))
    return { logCounts: tf.zeros([children.length]), means }
  }
  const logCounts = tf.tensor1d(children.map(child => moments.logCounts[child]!))
  const means = rows(moments.means, child => child)
  const directions = Array.from({ length: rank }, (_, r) =>
    rows(moments.directions, child => child * rank + r)
  )
  const diagonal = rows(moments.diagonals, child => child)
  return { logCounts, means, covariance: { directions, diagonal } }
}

function denseScores(
  { itemVectors, config }: SessionEncoder,
  states: readonly Float32Array[]
): Float32Array {
  return tf.tidy(() => {
    const count = Math.min(denseItems, itemVectors.shape[0])
    const all = tf.tensor2d(floats(states.flatMap(state => Array.from(state))), [
      states.length,
      config.width
    ])
    const vectors = tf.slice(itemVectors, [0, 0], [count, -1])
    return tf.matMul(all, vectors, false, true).dataSync() as Float32Array
  })
}

function floats(values: readonly number[]): Float32Array {
  return Float32Array.from(values)
}

function list(values: Float32Array | Int32Array): NamedArray {
  return { shape: [values.length], values }
}
