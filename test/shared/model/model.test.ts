import * as tf from '@tensorflow/tfjs-core'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  categoryLogits,
  encodeItems,
  encodeSessions,
  gapBucket,
  initialWeights,
  type SessionTensors,
  type Weights
} from '#shared/model/model.ts'
import { decodeArrays, encodeArrays } from '#shared/model/safetensors.ts'
import { arraysOf, tensorsOf } from '#shared/model/weights.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { expectClose, numbersOf, useBackend } from '#test/support/tensorflow.ts'
import {
  tinyConfig,
  tinyItemCount,
  tinyItems,
  tinySessions,
  tinyWeights
} from '#test/support/tiny-model.ts'

let weights: Weights
let vectors: tf.Tensor2D

beforeAll(async () => {
  await useBackend('cpu')
  weights = tinyWeights(1)
  vectors = encodeItems(weights, tinyConfig, tinyItems())
})

const D = tinyConfig.width
type Click = [item: number, type: number, gap: number]
const click: fc.Arbitrary<Click> = fc.tuple(
  fc.nat(tinyItemCount - 1),
  fc.nat(tinyConfig.eventTypes - 1),
  fc.nat(tinyConfig.gapBuckets - 1)
)
const clicks = (minLength: number, maxLength = tinyConfig.maxLength) =>
  fc.array(click, { minLength, maxLength })

/** States [B, N, D] of sessions, by the same weights each time. */
function statesOf(sessions: SessionTensors): tf.Tensor3D {
  return encodeSessions(weights, tinyConfig, vectors, sessions)
}

/** The first `count` states of one session. */
function firstStates(session: Click[], count: number): tf.Tensor3D {
  return tf.slice(statesOf(tinySessions([session])), [0, 0, 0], [1, count, D])
}

/** Runs a property of random sessions; its tensors are let go of. */
function check<T>(sessions: fc.Arbitrary<T>, property: (made: T) => void): void {
  fc.assert(
    fc.property(sessions, made => tf.tidy(() => property(made))),
    { numRuns: 20 }
  )
}

test('the shapes are [I, D] for items, [B, N, D] for sessions, [T, C] for categories', () => {
  const initial = initialWeights(tinyConfig, createRandom(1))

  const items = encodeItems(initial, tinyConfig, tinyItems())
  const sessions = tinySessions([[[1, 0, 0]], [[2, 1, 0], [3, 0, 1]]]) // biome-ignore format: one line
  const states = encodeSessions(initial, tinyConfig, items, sessions)
  const logits = categoryLogits(initial, 0, tf.reshape(states, [-1, D]))

  expect(items.shape).toEqual([tinyItemCount, D])
  expect(states.shape).toEqual([2, 2, D])
  expect(logits.shape).toEqual([4, 3])
})

describe('item vectors', () => {
  test('are, at the start, about as long as one', () => {
    const initial = initialWeights(tinyConfig, createRandom(1))

    const items = encodeItems(initial, tinyConfig, tinyItems())

    for (const length of numbersOf(tf.norm(items, 'euclidean', 1))) {
      expect(length).toBeGreaterThan(0.8)
      expect(length).toBeLessThan(1.2)
    }
  })

  test('lose nothing but their own key where the mask is zero', () => {
    const items = tinyItems()
    const mask = Array.from({ length: tinyItemCount }, (_, i) => i % 2)
    const masked = encodeItems(weights, tinyConfig, items, tf.tensor2d(mask, [tinyItemCount, 1]))

    const noKeys = { ...items.key, weights: tf.zerosLike(items.key.weights) }
    const whole = vectors.arraySync()
    const withoutKey = encodeItems(weights, tinyConfig, { ...items, key: noKeys }).arraySync()
    expect(masked.arraySync()).toEqual(mask.map((kept, i) => (kept ? whole[i] : withoutKey[i])))
    expect(withoutKey[0]).not.toEqual(whole[0])
  })

  test('of items without any feature are those of their keys', () => {
    const bare = { ...tinyConfig, columns: 0 }
    const initial = initialWeights(bare, createRandom(1))
    const nothing = {
      rows: tf.tensor1d([], 'int32'),
      weights: tf.zeros<tf.Rank.R2>([0, 1]),
      segments: tf.tensor1d([], 'int32'),
      segmentCount: 0
    }

    const items = encodeItems(initial, bare, { metadata: nothing, key: tinyItems().key })

    expect(items.shape).toEqual([tinyItemCount, D])
    expect(numbersOf(items).every(Number.isFinite)).toBe(true)
    expect(numbersOf(tf.norm(items, 'euclidean', 1)).every(length => length > 0)).toBe(true)
  })
})

describe('session states', () => {
  test('do not change with any later click', () => {
    check(fc.tuple(clicks(1), clicks(0), clicks(0)), ([start, end, other]) => {
      const [one, another] = [end, other].map(rest =>
        firstStates([...start, ...rest].slice(0, tinyConfig.maxLength), start.length)
      )

      expectClose(one!, another!)
    })
  })

  test('change with every earlier click, its type and its gap', () => {
    const session: Click[] = [[1, 0, 0], [2, 1, 1], [3, 0, 2]] // biome-ignore format: one line
    const last = (made: Click[]) => numbersOf(statesOf(tinySessions([made]))).slice(-D)
    const before = last(session)

    for (const place of [0, 1, 2]) {
      for (const field of [0, 1, 2] as const) {
        const changed = session.map(made => [...made] as Click)
        changed[place]![field] = changed[place]![field] + 2
        expect(last(changed), `click ${place}, field ${field}`).not.toEqual(before)
      }
    }
  })

  test('do not change with padding', () => {
    check(clicks(1), session => {
      const padded = statesOf(tinySessions([session], tinyConfig.maxLength))

      expectClose(
        tf.slice(padded, [0, 0, 0], [1, session.length, D]),
        statesOf(tinySessions([session]))
      )
    })
  })

  test('of one session are those of its row among many', () => {
    check(fc.array(clicks(1), { minLength: 1, maxLength: 5 }), sessions => {
      const together = statesOf(tinySessions(sessions))

      sessions.forEach((session, b) => {
        const alone = statesOf(tinySessions([session]))
        expectClose(tf.slice(together, [b, 0, 0], [1, session.length, D]), alone)
      })
    })
  })
})

describe('weights', () => {
  const drawn = (seed: number) => arraysOf(initialWeights(tinyConfig, createRandom(seed)))

  test('are the same for the same seed and others for another', () => {
    expect(drawn(1)).toEqual(drawn(1))
    expect(drawn(1).table).not.toEqual(drawn(2).table)
  })

  test('that were saved and loaded give the same output to the last bit', () => {
    const loaded = tensorsOf(decodeArrays(encodeArrays(arraysOf(weights))))
    const sessions = tinySessions([[[1, 0, 0], [4, 2, 3]]]) // biome-ignore format: one line

    const [before, after] = [weights, loaded].map(own => {
      const items = encodeItems(own, tinyConfig, tinyItems())
      const states = encodeSessions(own, tinyConfig, items, sessions)
      return numbersOf(categoryLogits(own, 0, tf.reshape(states, [-1, D])))
    })

    expect(after).toEqual(before)
  })
})

test('encoding leaves nothing behind but its result', () => {
  const items = tinyItems()
  const sessions = tinySessions([[[1, 0, 0], [4, 2, 3]]]) // biome-ignore format: one line
  const before = tf.memory().numTensors

  const encoded = encodeItems(weights, tinyConfig, items)
  const states = encodeSessions(weights, tinyConfig, encoded, sessions)

  expect(tf.memory().numTensors).toBe(before + 2)
  tf.dispose([encoded, states])
})

test.each([
  [undefined, 0],
  [0, 1],
  [-5, 1], // clocks of producers differ
  [1, 2],
  [2, 2],
  [3, 3],
  [60, 6],
  [1800, 11],
  [16_382, 14],
  [16_383, 15],
  [1e9, 15]
])('a gap of %s seconds falls into bucket %i of sixteen', (seconds, bucket) => {
  expect(gapBucket(seconds, 16)).toBe(bucket)
})
