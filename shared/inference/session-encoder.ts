// The session encoder at serving time: clicks in, session state out. Evaluation encodes many
// sessions at once through the same function.
import * as tf from '@tensorflow/tfjs-core'
import { encodeSessions, type ModelConfig, type Weights } from '#shared/model/model.ts'
import type { NamedArrays } from '#shared/model/safetensors.ts'
import { tensorsOf, valuesOf } from '#shared/model/weights.ts'

/** A session as the model reads it, at most config.maxLength clicks, oldest first. */
export interface EncoderInput {
  readonly items: Int32Array
  readonly types: Int32Array
  readonly gaps: Int32Array
}

export interface SessionEncoder {
  readonly config: ModelConfig
  readonly weights: Weights
  /** [items, D] */
  readonly itemVectors: tf.Tensor2D
}

/** Puts weights and item vectors where the backend computes. They stay until the process ends. */
export function createSessionEncoder(
  config: ModelConfig,
  weights: NamedArrays,
  vectors: Float32Array
): SessionEncoder {
  return {
    config,
    weights: tensorsOf(weights),
    itemVectors: tf.tensor2d(vectors, [vectors.length / config.width, config.width])
  }
}

/**
 * States after every click of each session.
 *
 * @param inputs none of them empty.
 * @returns for each input its states as [clicks, D] row-major.
 */
export function encodeStates(
  { config, weights, itemVectors }: SessionEncoder,
  inputs: readonly EncoderInput[]
): Float32Array[] {
  const N = Math.max(...inputs.map(({ items }) => items.length))
  const D = config.width
  const states = valuesOf(() => {
    const stack = (name: keyof EncoderInput) => {
      const flat = new Int32Array(inputs.length * N)
      inputs.forEach((input, b) => {
        flat.set(input[name], b * N)
      })
      return tf.tensor2d(flat, [inputs.length, N], 'int32')
    }
    const sessions = { items: stack('items'), types: stack('types'), gaps: stack('gaps') }
    return encodeSessions(weights, config, itemVectors, sessions)
  })
  return inputs.map(({ items }, b) => states.slice(b * N * D, (b * N + items.length) * D))
}
