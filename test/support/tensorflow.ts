// TensorFlow.js for tests: a backend, and comparing tensors.
import * as tf from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-backend-cpu'
import '@tensorflow/tfjs-layers' // registers the gradients of TF.js's kernels
import { expect } from 'vitest'

/**
 * Call before anything is computed. The backend `cpu` is plain JavaScript, exact and slow; the others
 * are started as the trainer starts them.
 */
export async function useBackend(name: 'cpu' | 'wasm' | 'native'): Promise<void> {
  if (name === 'cpu') await tf.setBackend('cpu')
  else await startAsTrainerDoes(name)
  tf.env().set('IS_TEST', true) // or the first tensor would print how to make TF.js faster
  tf.scalar(0).dispose()
  tf.env().set('IS_TEST', false)
}

async function startAsTrainerDoes(name: 'wasm' | 'native'): Promise<void> {
  const { startTrainingBackend } = await import('#services/trainer/backend.ts')
  const { createLogger } = await import('#shared/runtime/logging.ts')
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '1' // no lines about the processor from native TensorFlow
  await startTrainingBackend(name, createLogger({ name: 'test', level: 'silent' }))
}

/** Asserts the same length, and that no two numbers differ by more than `tolerance`. */
export function expectClose(
  actual: tf.Tensor | ArrayLike<number>,
  expected: tf.Tensor | ArrayLike<number>,
  tolerance = 1e-5
): void {
  const [left, right] = [numbersOf(actual), numbersOf(expected)]
  const isClose = (value: number, i: number) => Math.abs(value - right[i]!) <= tolerance
  if (left.length === right.length && left.every(isClose)) return
  expect(left, `differs by more than ${tolerance}`).toEqual(right)
}

export function numbersOf(values: tf.Tensor | ArrayLike<number>): number[] {
  return Array.from(values instanceof tf.Tensor ? values.dataSync() : values)
}

/**
 * Gradient of a function of an array by central differences. In single precision it is right to
 * about three digits.
 */
export function numericGradient(
  f: (values: Float32Array) => number,
  values: Float32Array,
  step = 1e-2
): Float32Array {
  return values.map((_, i) => {
    const moved = (by: number) => f(values.map((value, j) => (j === i ? value + by : value)))
    return (moved(step) - moved(-step)) / (2 * step)
  })
}

/** Standard normal numbers, times `deviation`; the same shape and seed give the same tensor. */
export function normalTensor<T extends tf.Tensor>(shape: number[], seed: number, deviation = 1): T {
  return tf.randomNormal(shape, 0, deviation, 'float32', seed) as unknown as T
}
