import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  createSessionEncoder,
  type EncoderInput,
  encodeStates,
  type SessionEncoder
} from '#shared/inference/session-encoder.ts'
import { encodeItems, encodeSessions } from '#shared/model/model.ts'
import { arraysOf } from '#shared/model/weights.ts'
import { expectClose, useBackend } from '#test/support/tensorflow.ts'
import { tinyConfig, tinyItems, tinySessions, tinyWeights } from '#test/support/tiny-model.ts'

beforeAll(() => useBackend('cpu'))

const short: EncoderInput = {
  items: Int32Array.of(4),
  types: Int32Array.of(1),
  gaps: Int32Array.of(0)
}
const long: EncoderInput = {
  items: Int32Array.of(1, 2, 8),
  types: Int32Array.of(0, 0, 2),
  gaps: Int32Array.of(0, 3, 1)
}

describe('encodeStates', () => {
  test('gives the state after every click of each session, padding left out', () => {
    const encoder = tinyEncoder()

    const [ofShort, ofLong] = encodeStates(encoder, [short, long])

    const sessions = tinySessions([
      [
        [1, 0, 0],
        [2, 0, 3],
        [8, 2, 1]
      ]
    ])
    const { config, weights, itemVectors } = encoder
    expect(ofShort).toHaveLength(config.width)
    expectClose(ofLong!, encodeSessions(weights, config, itemVectors, sessions))
  })

  test('gives a session alone what it gives it among others', () => {
    const encoder = tinyEncoder()
    const together = encodeStates(encoder, [long, short, long])

    ;[long, short, long].forEach((input, i) => {
      expectClose(encodeStates(encoder, [input])[0]!, together[i]!)
    })
  })

  test('leaves no tensor behind', () => {
    const encoder = tinyEncoder()
    const before = tf.memory().numTensors

    encodeStates(encoder, [short, long])

    expect(tf.memory().numTensors).toBe(before)
  })
})

function tinyEncoder(): SessionEncoder {
  const weights = tinyWeights(1)
  const vectors = encodeItems(weights, tinyConfig, tinyItems(weights)).dataSync() as Float32Array
  return createSessionEncoder(tinyConfig, arraysOf(weights), vectors)
}
