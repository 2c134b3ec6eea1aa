import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { createDropout } from '#services/trainer/dropout.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { expectClose, numbersOf, useBackend } from '#test/support/tensorflow.ts'

beforeAll(() => useBackend('cpu'))

describe('dropout', () => {
  test('zeroes the share it is asked to, and scales the rest so that the mean stays', () => {
    const drop = createDropout(0.25, createRandom(1))

    const dropped = numbersOf(drop(tf.ones([100, 200])))

    const zeros = dropped.filter(value => value === 0).length
    expect(zeros / 20_000).toBeGreaterThan(0.235)
    expect(zeros / 20_000).toBeLessThan(0.265)
    expect(new Set(dropped)).toEqual(new Set([0, Math.fround(4 / 3)]))
  })

  test('draws another mask at each call, and the same ones for the same seed', () => {
    const run = () => {
      const drop = createDropout(0.5, createRandom(1))
      return [numbersOf(drop(tf.ones([64]))), numbersOf(drop(tf.ones([64])))]
    }

    const [first, second] = run()

    expect(first).not.toEqual(second)
    expect(run()).toEqual([first, second])
  })

  test('lets the gradient through where it let the value through', () => {
    const drop = createDropout(0.5, createRandom(1))
    let value: number[] = []

    const gradient = tf.grad(x => {
      const dropped = drop(x)
      value = numbersOf(dropped)
      return dropped
    })(tf.ones([50]))

    expectClose(gradient, value)
  })

  test('at a rate of zero is the identity', () => {
    const values = tf.ones([3])

    expect(createDropout(0, createRandom(1))(values)).toBe(values)
  })

  test('refuses an activation that is longer than its tape', () => {
    const drop = createDropout(0.5, createRandom(1))
    const long = tf.zeros([(1 << 22) + 1])

    expect(() => drop(long)).toThrow(RangeError)
    expect(drop(tf.zeros([1 << 22])).size).toBe(1 << 22)
  })
})
