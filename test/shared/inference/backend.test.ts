import * as tf from '@tensorflow/tfjs-core'
import { expect, test } from 'vitest'
import { startInferenceBackend } from '#shared/inference/backend.ts'
import { expectClose } from '#test/support/tensorflow.ts'

test('serving computes on WebAssembly, and leaves errors of the process to the program', async () => {
  const listeners = () =>
    ['uncaughtException', 'unhandledRejection'].map(event => process.rawListeners(event))
  const before = listeners()

  await startInferenceBackend()

  expect(tf.getBackend()).toBe('wasm')
  expectClose(tf.matMul(tf.tensor2d([[1, 2]]), tf.tensor2d([[3], [4]])), [11])
  expect(listeners()).toEqual(before)
})
