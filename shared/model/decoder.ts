// The token decoder: writes an item ID code by code, P(code | session, prefix), each a softmax over
// the children of the trie node reached. Its outputs are tied to the item vectors, so that a new
// item needs no new weight: a leaf is scored by its item's vector v, and an inner node by the
// Gaussian approximation of the softmax mass of the items below it,
//
//   log sum_i exp(s . v_i)  ~  log n + s . mean + 1/2 s' Cov s,
//
// with n, mean and Cov the moments of those vectors. The state s at a node is the session state h
// plus a learned correction that reads h and the node's mean; it starts at zero, so that before any
// training the decoder already approximates the dense head.
//
// Axis key: T positions, D width, K nodes of a level, Q directions of the low-rank covariance.
import * as tf from '@tensorflow/tfjs-core'
import type { Random } from '#shared/runtime/random.ts'
import { gelu, linear } from './layers.ts'
import type { Weights } from './model.ts'

/** Weights of the correction. @returns tensors owned by the caller. */
export function initialDecoder(width: number, depth: number, random: Random): Weights {
  const D = width
  const normal = (shape: [number, number], deviation: number) =>
    tf.tensor2d(
      Float32Array.from({ length: shape[0] * shape[1] }, () => random.normal() * deviation),
      shape
    )
  return {
    'decoder.session': normal([D, D], D ** -0.5),
    'decoder.node': normal([D, D], D ** -0.5),
    'decoder.level': tf.zeros([depth, D]),
    'decoder.output': tf.zeros([D, D])
  }
}

/**
 * Decoder states at nodes of one level: h + W_o gelu(W_s h + W_n mean + b_level).
 *
 * @param sessions [T, D] session states.
 * @param means [T, D] mean vector of the node each one stands at; zeros at the root.
 * @param level codes already written.
 * @returns [T, D].
 */
export function decoderStates(
  weights: Weights,
  sessions: tf.Tensor2D,
  means: tf.Tensor2D,
  level: number
): tf.Tensor2D {
  return tf.tidy(() => {
    const bias = tf.slice(weights['decoder.level'] as tf.Tensor2D, [level, 0], [1, -1]) // [1, D]
    const read = tf.add(
      linear(sessions, weights['decoder.session']!),
      linear(means, weights['decoder.node']!)
    )
    const correction = linear(gelu(tf.add(read, bias)), weights['decoder.output']!)
    return tf.add(sessions, correction) as tf.Tensor2D
  })
}

/** Moments of the K nodes of a level as tensors; leaves have no covariance. */
export interface LevelTensors {
  /** [K] log of the number of items below. */
  readonly logCounts: tf.Tensor1D
  /** [K, D] */
  readonly means: tf.Tensor2D
  /** The low-rank covariance, absent at the leaves. */
  readonly covariance?: {
    /** Q tensors [K, D]: direction times its standard deviation. */
    readonly directions: readonly tf.Tensor2D[]
    /** [K, D] variance left beside those directions. */
    readonly diagonal: tf.Tensor2D
  }
}

/** Scores of every node of a level: unnormalised log probabilities. @returns [T, K]. */
export function levelScores(states: tf.Tensor2D, level: LevelTensors): tf.Tensor2D {
  return tf.tidy(() => {
    const linearPart = tf.add(tf.matMul(states, level.means, false, true), level.logCounts) // [T, K]
    if (!level.covariance) return linearPart as tf.Tensor2D
    const { directions, diagonal } = level.covariance
    const squares = directions.map(direction =>
      tf.square(tf.matMul(states, direction, false, true))
    )
    const rest = tf.matMul(tf.square(states), diagonal, false, true)
    return tf.add(linearPart, tf.mul(tf.addN([...squares, rest]), 0.5)) as tf.Tensor2D
  })
}
