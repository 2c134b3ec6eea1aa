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

/**
 * Computes a tensor and takes its values out of the backend; everything made on the way is let go of.
 * An array returned from tf.tidy itself is searched for tensors number by number, which takes longer
 * than most computations.
 */
export function valuesOf(compute: () => tf.Tensor): Float32Array {
  const result = tf.tidy(compute)
  const values = result.dataSync() as Float32Array
  result.dispose()
  return values
}

/** Copies arrays into the backend. @returns tensors owned by the caller. */
export function tensorsOf(arrays: NamedArrays): Weights {
  return Object.fromEntries(
    Object.entries(arrays).map(([name, { shape, values }]) => [name, tf.tensor(values, [...shape])])
  )
}

/** The same arrays with values of their own: what a checkpoint keeps while training goes on. */
export function copyOf(arrays: NamedArrays): NamedArrays {
  return Object.fromEntries(
    Object.entries(arrays).map(([name, { shape, values }]) => [
      name,
      { shape, values: values.slice() }
    ])
  )
}

/** Copies tensors out of the backend and lets go of them. */
export function takenFrom(weights: Weights): NamedArrays {
  const arrays = copyOf(arraysOf(weights)) // the plain backend hands out its own memory
  tf.dispose(weights as tf.TensorContainer)
  return arrays
}
