import * as tf from '@tensorflow/tfjs-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { type OpenGraph, openGraph } from '#shared/graphs/open-graph.ts'
import { sessionGraph } from '#shared/graphs/session-graph.ts'
import { encodeSessions, type ModelConfig, type Weights } from '#shared/model/model.ts'
import { arraysOf } from '#shared/model/weights.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { expectClose, normalTensor, useBackend } from '#test/support/tensorflow.ts'
import { tinyConfig, tinyItemCount, tinyWeights } from '#test/support/tiny-model.ts'

const { width, maxLength, eventTypes, gapBuckets } = tinyConfig
let vectors: tf.Tensor2D
beforeAll(async () => {
  await useBackend('cpu')
  vectors = normalTensor([tinyItemCount, width], 5)
})

interface Click {
  readonly item: number
  readonly type: number
  readonly gap: number
}

/** A session of so many clicks; another seed, another session. */
function session(length: number, seed: number): Click[] {
  const random = createRandom(seed)
  return Array.from({ length }, () => ({
    item: random.integer(tinyItemCount),
    type: random.integer(eventTypes),
    gap: random.integer(gapBuckets)
  }))
}

function column(sessions: readonly Click[][], field: keyof Click): tf.Tensor2D {
  const N = Math.max(...sessions.map(({ length }) => length))
  const rows = sessions.map(clicks => Array.from({ length: N }, (_, n) => clicks[n]?.[field] ?? 0))
  return tf.tensor2d(rows, [sessions.length, N], 'int32')
}

/** The pooled model has one more weight. */
function weightsOf({ pooling }: ModelConfig): Weights {
  const query = normalTensor([width], 8)
  return { ...tinyWeights(3), ...(pooling === 'attention' && { 'session.query': query }) }
}

/** The state after the last click of each session, as training computes it. */
function expectedStates(config: ModelConfig, sessions: readonly Click[][]): number[] {
  const states = encodeSessions(weightsOf(config), config, vectors, {
    items: column(sessions, 'item'),
    types: column(sessions, 'type'),
    gaps: column(sessions, 'gap')
  }).arraySync()
  return sessions.flatMap(({ length }, b) => states[b]![length - 1]!)
}

async function statesOf(graph: OpenGraph, sessions: readonly Click[][]): Promise<Float32Array> {
  const items = column(sessions, 'item')
  const [B, N] = items.shape
  const clicks = tf.gather(vectors, tf.reshape(items, [-1]) as tf.Tensor1D)
  const integers = (field: 'type' | 'gap') => column(sessions, field).dataSync() as Int32Array
  return graph.run({
    clicks: { shape: [B, N, width], values: clicks.dataSync() as Float32Array },
    types: { shape: [B, N], values: integers('type') },
    gaps: { shape: [B, N], values: integers('gap') },
    last: { shape: [B, 1], values: Int32Array.from(sessions, ({ length }) => length - 1) }
  })
}

function openTiny(config: ModelConfig): Promise<OpenGraph> {
  return openGraph('session-encoder', sessionGraph(config, arraysOf(weightsOf(config))))
}

describe('the session graph', () => {
  test.each([
    [0, 'last'],
    [1, 'last'],
    [2, 'last'],
    [2, 'mean'],
    [1, 'attention']
  ] as const)(
    'of %i blocks, pooled by %s, computes what training does, at every length',
    async (blocks, pooling) => {
      const config = { ...tinyConfig, blocks, pooling }
      const graph = await openTiny(config)

      for (let length = 1; length <= maxLength; length++) {
        const sessions = [session(length, length)]
        expectClose(await statesOf(graph, sessions), expectedStates(config, sessions), 1e-5)
      }
    }
  )

  test('of sessions side by side gives each the state it has alone', async () => {
    const graph = await openTiny(tinyConfig)
    const sessions = [3, 1, 6, 2].map((length, i) => session(length, 10 + i))

    const together = await statesOf(graph, sessions)

    expectClose(together, expectedStates(tinyConfig, sessions), 1e-5)
    for (const [b, one] of sessions.entries()) {
      const alone = await statesOf(graph, [one])
      expectClose(together.subarray(b * width, (b + 1) * width), alone, 1e-6)
    }
  })
})

test('bytes that are no graph are refused by name', async () => {
  const opening = openGraph('session-encoder.onnx', Uint8Array.of(1, 2, 3))

  await expect(opening).rejects.toMatchObject({
    code: 'RELEASE_CORRUPT',
    message: expect.stringContaining('session-encoder.onnx')
  })
})
