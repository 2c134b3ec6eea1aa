import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { gradientsOf } from '#services/trainer/gradients.ts'
import type { Weights } from '#shared/model/model.ts'
import { useBackend } from '#test/support/tensorflow.ts'

beforeAll(() => useBackend('cpu'))

const arrays = {
  x: { shape: [2], values: Float32Array.of(1, -3) },
  scale: { shape: [1, 1], values: Float32Array.of(2) },
  unread: { shape: [1], values: Float32Array.of(9) }
}
const objective = ({ x, scale }: Weights) =>
  tf.mul(tf.sum(tf.square(x!)), tf.sum(scale!)) as tf.Scalar

describe('gradientsOf', () => {
  test('gives the loss, and the gradient of each array that it depends on', () => {
    expect(gradientsOf(objective, arrays)).toEqual({
      loss: 20,
      gradients: { x: Float32Array.of(4, -12), scale: Float32Array.of(10) }
    })
  })

  test('tells when the loss is there and its gradients are not', () => {
    const order: string[] = []
    const shown = (weights: Weights) => {
      const loss = objective(weights)
      order.push('loss')
      const back = tf.customGrad(value => ({
        value: (value as tf.Tensor).clone(),
        gradFunc: (upstream: tf.Tensor) => {
          order.push('gradients')
          return upstream
        }
      }))
      return back(loss) as tf.Scalar
    }

    gradientsOf(shown, arrays, () => order.push('told'))

    expect(order).toEqual(['loss', 'told', 'gradients'])
  })

  test('leaves no tensor behind', () => {
    const before = tf.memory()

    gradientsOf(objective, arrays)

    expect(tf.memory().numTensors).toBe(before.numTensors)
    expect(tf.memory().numBytes).toBe(before.numBytes)
  })

  test('leaves its arrays as they were', () => {
    gradientsOf(objective, arrays)

    expect(arrays.x.values).toEqual(Float32Array.of(1, -3))
  })
})
