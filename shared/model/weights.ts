// Weights between the backend, where they are tensors, and files, where they are arrays.
import * as tf from '@tensorflow/tfjs-core'
import type { Weights } from './model.ts'
import type { NamedArrays } from './safetensors.ts'

/** Copies tensors out of the backend. */
export function arraysOf(weights: Weights): NamedArrays {
  return Object.fromEntries(
    Object.entries(weights).map(([name, tensor]) => [
      name,
      { shape: tensor.shape, values: tensor.dataSync() as Float32Array | Int32Array }
    ])
  )
}

/** Copies arrays into the backend. @returns tensors owned by the caller. */
export function tensorsOf(arrays: NamedArrays): Weights {
  return Object.fromEntries(
    Object.entries(arrays).map(([name, { shape, values }]) => [name, tf.tensor(values, [...shape])])
  )
}
