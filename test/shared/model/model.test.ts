import * as tf from '@tensorflow/tfjs-core'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { gapBucket } from '#shared/model/gap-bucket.ts'
import {
  categoryLogits,
  encodeItems,
  encodeSessions,
  initialWeights,
  type Pooling,
  poolings,
  type SessionTensors,
  type Weights
} from '#shared/model/model.ts'
import { decodeArrays, encodeArrays } from '#shared/model/safetensors.ts'
import { arraysOf, tensorsOf } from '#shared/model/weights.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { expectClose, normalTensor, numbersOf, useBackend } from '#test/support/tensorflow.ts'
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
  vectors = encodeItems(weights, tinyConfig, tinyItems(weights))
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

  const items = encodeItems(initial, tinyConfig, tinyItems(initial))
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

    const items = encodeItems(initial, tinyConfig, tinyItems(initial))

    for (const length of numbersOf(tf.norm(items, 'euclidean', 1))) {
      expect(length).toBeGreaterThan(0.8)
      expect(length).toBeLessThan(1.2)
    }
  })

  test('lose nothing but their own key where the mask is zero', () => {
    const items = tinyItems(weights)
    const mask = Array.from({ length: tinyItemCount }, (_, i) => i % 2)
    const masked = encodeItems(weights, tinyConfig, items, tf.tensor2d(mask, [tinyItemCount, 1]))

    const noKeys = tf.zerosLike(items.key)
    const whole = vectors.arraySync()
    const withoutKey = encodeItems(weights, tinyConfig, { ...items, key: noKeys }).arraySync()
    expect(masked.arraySync()).toEqual(mask.map((kept, i) => (kept ? whole[i] : withoutKey[i])))
    expect(withoutKey[0]).not.toEqual(whole[0])
  })

  test('of items without any feature are those of their keys', () => {
    const bare = { ...tinyConfig, columns: 0 }
    const initial = initialWeights(bare, createRandom(1))
    const metadata = tf.zeros<tf.Rank.R2>([tinyItemCount, 0])
    const { key } = tinyItems(initial)

    const items = encodeItems(initial, bare, { metadata, key })

    expect(items.shape).toEqual([tinyItemCount, D])
    expectClose(items, key, 0)
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

describe('pooling', () => {
  /** Nothing but two clicks on items (1, 0) and (0, 1): the states before pooling are their vectors. */
  const pooled = (pooling?: Pooling) => {
    const config = { ...tinyConfig, width: 2, blocks: 0, ...(pooling && { pooling }) }
    const zeros = tf.zeros<tf.Rank.R2>([6, 2])
    const own = {
      'session.positions': zeros,
      'session.types': zeros,
      'session.gaps': zeros,
      'session.norm': tf.ones([2]),
      'session.query': tf.tensor1d([0, Math.log(3)])
    }
    return encodeSessions(own, config, tf.tensor2d([[1, 0], [0, 1]]), tinySessions([[[0, 0, 0], [1, 0, 0]]])) // biome-ignore format: one line
  }

  test('leaves the state of the newest click unless told otherwise', () => {
    expectClose(pooled(), [Math.SQRT2, 0, 0, Math.SQRT2])
    expectClose(pooled('last'), pooled(), 0)
  })

  test('by mean weighs all clicks so far alike', () => {
    expectClose(pooled('mean'), [Math.SQRT2, 0, 1, 1])
  })

  test('by attention weighs clicks by their answer to the query', () => {
    // Scores 0 and sqrt(2) ln(3) / sqrt(2): shares 1/4 and 3/4, then the norm of (1, 3).
    expectClose(pooled('attention'), [Math.SQRT2, 0, 1 / Math.sqrt(5), 3 / Math.sqrt(5)], 1e-4)
  })

  test.each(poolings)('by %s reads no later click, nor padding', pooling => {
    const config = { ...tinyConfig, pooling }
    const own = { ...weights, 'session.query': normalTensor([D], 5) }
    const states = (session: Click[], count: number) => {
      const padded = tinySessions([session], tinyConfig.maxLength)
      const all = encodeSessions(own, config, vectors, padded)
      return tf.slice(all, [0, 0, 0], [1, count, D])
    }

    check(fc.tuple(clicks(1), clicks(0)), ([start, rest]) => {
      const longer = [...start, ...rest].slice(0, tinyConfig.maxLength)
      expectClose(states(longer, start.length), states(start, start.length))
    })
  })

  test('by attention has a query, and no other has', () => {
    const queryOf = (pooling?: Pooling) =>
      initialWeights({ ...tinyConfig, ...(pooling && { pooling }) }, createRandom(1))[
        'session.query'
      ]

    expect(queryOf('attention')!.shape).toEqual([D])
    for (const pooling of ['last', 'mean', undefined] as const) {
      expect(queryOf(pooling)).toBeUndefined()
    }
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
      const items = encodeItems(own, tinyConfig, tinyItems(own))
      const states = encodeSessions(own, tinyConfig, items, sessions)
      return numbersOf(categoryLogits(own, 0, tf.reshape(states, [-1, D])))
    })

    expect(after).toEqual(before)
  })
})

test('encoding leaves nothing behind but its result', () => {
  const items = tinyItems(weights)
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
