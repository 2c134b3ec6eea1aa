import { beforeAll, describe, expect, test } from 'vitest'
import { itemGraph } from '#shared/graphs/item-graph.ts'
import { sessionGraph } from '#shared/graphs/session-graph.ts'
import { checkParity, parityTolerance, type ServedParts } from '#shared/inference/parity-samples.ts'
import { openSessionGraph } from '#shared/inference/session-states.ts'
import { takeParitySamples } from '#shared/inference/take-parity-samples.ts'
import type { NamedArray, NamedArrays } from '#shared/model/safetensors.ts'
import { loadModel } from '#shared/recommendations/load-model.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { smallModel } from '#test/support/small-release.ts'
import { useBackend } from '#test/support/tensorflow.ts'

let samples: NamedArrays
let parts: ServedParts

beforeAll(async () => {
  await useBackend('cpu')
  const trained = smallModel(Array.from({ length: 30 }, (_, i) => `item ${i}`))
  const { config, weights } = trained
  const { encoder, ranking } = loadModel(trained)
  const { decoder, vectors } = ranking
  const random = createRandom(4)
  const matrix = (width: number) => ({
    shape: [5, width],
    values: Float32Array.from({ length: 5 * width }, random.normal)
  })
  const sessions = [1, 3, config.maxLength].map(length => ({
    items: Int32Array.from({ length }, () => random.integer(30)),
    types: Int32Array.from({ length }, () => random.integer(config.eventTypes)),
    gaps: Int32Array.from({ length }, () => random.integer(config.gapBuckets))
  }))
  samples = takeParitySamples({
    encoder,
    trie: decoder.trie.base,
    sessions,
    items: { key: matrix(config.width), metadata: matrix(config.columns * config.rowWidth) }
  })
  parts = {
    sessions: await openSessionGraph(config, sessionGraph(config, weights), { vectors }),
    itemGraph: itemGraph(config, weights),
    decoder
  }
})

test('what serving computes is what training computed', async () => {
  await checkParity(parts, samples)
})

describe.each([
  ['session encoder', 'sessions.states'],
  ['item encoder', 'items.vectors'],
  ['decoder', 'decoder.scores'],
  ['dense scores', 'dense.scores']
])('the %s', (part, name) => {
  test('is refused by name when one number differs by more than rounding', async () => {
    const refused = { code: 'RELEASE_CORRUPT', message: expect.stringContaining(`the ${part} of`) }

    for (const by of [2 * parityTolerance, -2 * parityTolerance, Number.NaN]) {
      await expect(checkParity(parts, moved(name, by))).rejects.toMatchObject(refused)
    }
    await checkParity(parts, moved(name, parityTolerance / 4))
  })

  test('is refused when its samples are missing', async () => {
    const { [name]: _, ...others } = samples

    await expect(checkParity(parts, others)).rejects.toMatchObject({ code: 'RELEASE_CORRUPT' })
  })
})

/** The samples with the last number of one of them changed. */
function moved(name: string, by: number): NamedArrays {
  const { shape, values } = samples[name] as NamedArray
  const changed = Float32Array.from(values)
  changed[changed.length - 1]! += by
  return { ...samples, [name]: { shape, values: changed } }
}
