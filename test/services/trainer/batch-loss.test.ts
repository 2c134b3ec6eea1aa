import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { logWeightName } from '#services/trainer/batch-loss.ts'
import type { NamedArrays } from '#shared/model/safetensors.ts'
import { copyOf, takenFrom } from '#shared/model/weights.ts'
import { expectClose, useBackend } from '#test/support/tensorflow.ts'
import { tinyWeights } from '#test/support/tiny-model.ts'
import { tinyGradients, tinyObjective } from '#test/support/tiny-training.ts'

let weights: NamedArrays

beforeAll(async () => {
  await useBackend('cpu')
  weights = takenFrom(tinyWeights(1))
})

describe('the loss of a batch', () => {
  test('has in the gradient of every weight its slope along it', () => {
    const { gradients } = tinyGradients(weights)

    expect(Object.keys(gradients).sort()).toEqual(Object.keys(weights).sort())
    for (const [name, gradient] of Object.entries(gradients)) {
      const length = Math.hypot(...gradient)
      expect(length, name).toBeGreaterThan(1e-3)
      expectSlope(weights, name, gradient)
    }
  })

  test('adds the weighted loss of each category level to that of the next item', () => {
    const lossAt = (categoryLossWeight: number) =>
      tinyGradients(weights, tinyObjective({ categoryLossWeight })).loss

    const [without, half, whole] = [lossAt(0), lossAt(0.5), lossAt(1)]

    expectClose([half! - without!], [(whole! - without!) / 2])
    expect(whole! - without!).toBeGreaterThan(0.1)
  })

  test('reads no class and moves no head where categories have no weight', () => {
    const { gradients } = tinyGradients(weights, tinyObjective({ categoryLossWeight: 0 }))

    expect(Object.keys(gradients).filter(name => name.startsWith('category'))).toEqual([])
  })
})

describe('learned loss weights', () => {
  const name = logWeightName(0)
  const learnedAt = (logVariance: number) => {
    const learned = { ...weights, [name]: { shape: [1], values: Float32Array.of(logVariance) } }
    return tinyGradients(learned, tinyObjective({ categoryLossWeight: 'learned' }))
  }
  const fixedAt = (categoryLossWeight: number) =>
    tinyGradients(weights, tinyObjective({ categoryLossWeight }))

  test('divide by what they have learned, and cost its logarithm', () => {
    const logVariance = Math.log(4)

    expect(learnedAt(logVariance).loss).toBeCloseTo(fixedAt(1 / 4).loss + logVariance, 5)
    expectClose(learnedAt(logVariance).gradients.table!, fixedAt(1 / 4).gradients.table!)
  })

  test('come to rest where they divide by the loss of the categories', () => {
    const categoryLoss = fixedAt(1).loss - fixedAt(0).loss
    const slopeAt = (logVariance: number) => learnedAt(logVariance).gradients[name]![0]!

    // d/ds (L e^-s + s) = 1 - L e^-s
    expect(slopeAt(Math.log(categoryLoss))).toBeCloseTo(0, 5)
    expect(slopeAt(1)).toBeCloseTo(1 - categoryLoss / Math.E, 5)
  })
})

test('a step leaves no tensor behind', () => {
  const before = tf.memory()

  tinyGradients(weights)

  expect(tf.memory().numTensors).toBe(before.numTensors)
  expect(tf.memory().numBytes).toBe(before.numBytes)
})

/** Moves one weight along its gradient, whose length the loss must then have as its slope. */
function expectSlope(start: NamedArrays, name: string, gradient: Float32Array): void {
  const length = Math.hypot(...gradient)
  const lossAt = (by: number) => {
    const moved = copyOf(start)
    gradient.forEach((value, i) => {
      moved[name]!.values[i]! += (by * value) / length
    })
    return tinyGradients(moved).loss
  }
  const slope = (lossAt(0.02) - lossAt(-0.02)) / 0.04
  expect(Math.abs(slope - length), name).toBeLessThan(0.01 * length + 1e-4)
}
