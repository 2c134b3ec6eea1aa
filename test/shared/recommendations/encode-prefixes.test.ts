import { beforeAll, expect, test } from 'vitest'
import { encodeStates, type SessionEncoder } from '#shared/inference/session-encoder.ts'
import { encodePrefixes } from '#shared/recommendations/encode-prefixes.ts'
import { loadModel } from '#shared/recommendations/load-model.ts'
import { partOf, type SessionInput } from '#shared/recommendations/session-input.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { smallModel } from '#test/support/small-release.ts'
import { expectClose, useBackend } from '#test/support/tensorflow.ts'

let encoder: SessionEncoder

beforeAll(async () => {
  await useBackend('cpu')
  encoder = loadModel(smallModel(['a', 'b', 'c', 'd', 'e', 'f'])).encoder
})

test('the state of every prefix is the state that a live request for it computes', () => {
  const { maxLength } = encoder.config
  const lengths = [3, maxLength, 1, maxLength + 4, 2 * maxLength, 2]
  const sessions = lengths.map((length, seed) => randomSession(length, seed))

  const states = encodePrefixes(encoder, sessions)

  expect(states.map(({ length }) => length)).toEqual(lengths)
  sessions.forEach((session, s) => {
    states[s]!.forEach((state, n) => {
      expectClose(state, liveState(session, n + 1), 1e-6)
    })
  })
})

test('a session without a click has no prefix, and does not shift those of others', () => {
  const [first, last] = [randomSession(4, 1), randomSession(2, 2)]

  const states = encodePrefixes(encoder, [first, randomSession(0, 3), last])

  expect(states[1]).toEqual([])
  expectClose(states[2]![1]!, liveState(last, 2), 1e-6)
  expect(encodePrefixes(encoder, [])).toEqual([])
})

test('more clicks than fit one pass are encoded in several', { timeout: 20_000 }, () => {
  const sessions = Array.from({ length: 2000 }, (_, seed) => randomSession(1 + (seed % 7), seed))

  const states = encodePrefixes(encoder, sessions)

  for (const s of [0, 6, 999, 1993, 1999]) {
    const { length } = sessions[s]!.items
    expect(states[s]).toHaveLength(length)
    expectClose(states[s]!.at(-1)!, liveState(sessions[s]!, length), 1e-6)
  }
})

/** The state after the first `clicks` clicks, from the newest of them only. */
function liveState(session: SessionInput, clicks: number): Float32Array {
  const { maxLength, width } = encoder.config
  const newest = partOf(session, Math.max(0, clicks - maxLength), clicks)
  return encodeStates(encoder, [newest])[0]!.slice(-width)
}

function randomSession(length: number, seed: number): SessionInput {
  const random = createRandom(seed)
  const numbers = (below: number) => Int32Array.from({ length }, () => random.integer(below))
  const gaps = numbers(encoder.config.gapBuckets).fill(0, 0, 1)
  return { items: numbers(6), types: numbers(4), gaps }
}
