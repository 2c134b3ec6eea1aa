import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, expect, test } from 'vitest'
import { arraysOf, copyOf, takenFrom, tensorsOf, valuesOf } from '#shared/model/weights.ts'
import { useBackend } from '#test/support/tensorflow.ts'

beforeAll(() => useBackend('cpu'))

test('tensors become arrays and the same tensors again', () => {
  const weights = {
    matrix: tf.tensor2d([1.5, -2, 0, 3], [2, 2]),
    scalar: tf.scalar(0.1),
    rows: tf.tensor1d([7, -1], 'int32')
  }

  const again = tensorsOf(arraysOf(weights))

  expect(arraysOf(again)).toEqual({
    matrix: { shape: [2, 2], values: Float32Array.of(1.5, -2, 0, 3) },
    scalar: { shape: [], values: Float32Array.of(0.1) },
    rows: { shape: [2], values: Int32Array.of(7, -1) }
  })
  expect(again.rows!.dtype).toBe('int32')
})

test('arrays of a variable keep their values when the variable takes others', () => {
  const variable = tf.variable(tf.tensor1d([1, 2]))
  const arrays = arraysOf({ variable })

  variable.assign(tf.tensor1d([3, 4]))

  expect(arrays.variable!.values).toEqual(Float32Array.of(1, 2))
})

test('values are taken out of the backend, and nothing that was made on the way is left', () => {
  const before = tf.memory().numTensors

  const values = valuesOf(() => tf.add(tf.ones([2, 2]), tf.scalar(0.5)))

  expect(values).toEqual(new Float32Array(4).fill(1.5))
  expect(tf.memory().numTensors).toBe(before)
})

test('a copy stands apart from what it was made of', () => {
  const arrays = { x: { shape: [2], values: Float32Array.of(1, 2) } }
  const copy = copyOf(arrays)

  arrays.x.values[0] = 7

  expect(copy).toEqual({ x: { shape: [2], values: Float32Array.of(1, 2) } })
})

test('taking tensors out of the backend lets go of them', () => {
  const before = tf.memory().numTensors
  const weights = { x: tf.tensor1d([1, 2]) }

  const arrays = takenFrom(weights)

  expect(arrays).toEqual({ x: { shape: [2], values: Float32Array.of(1, 2) } })
  expect(weights.x.isDisposed).toBe(true)
  expect(tf.memory().numTensors).toBe(before)
})
