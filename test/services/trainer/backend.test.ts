import * as tf from '@tensorflow/tfjs-core'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { startTrainingBackend } from '#services/trainer/backend.ts'
import { isTensorflowAddonBuilt } from '#services/trainer/tensorflow-addon.ts'
import type { Logger } from '#shared/runtime/logging.ts'
import { useBackend } from '#test/support/tensorflow.ts'

/** What was logged. */
const lines: unknown[] = []
const log = { info: (...line: unknown[]) => lines.push(line) } as unknown as Logger

beforeAll(() => useBackend('cpu')) // keeps TensorFlow's own lines off the terminal
afterEach(() => {
  lines.length = 0
})

test.each(['cpu', 'wasm'] as const)(
  '%s computes gradients, and says so in one line',
  async name => {
    expect(await startTrainingBackend(name, log)).toBe(name)

    expect(tf.getBackend()).toBe(name)
    expect(lines).toEqual([
      [{ backend: name, faster: 'npm run setup:tensorflow' }, 'training backend']
    ])
    const gradient = tf.tidy(() =>
      tf
        .grad(x => tf.sum(tf.square(x)))(tf.tensor1d([1, -3]))
        .dataSync()
    )
    expect([...gradient]).toEqual([2, -6])
  }
)

test('native TensorFlow runs where its addon is built, and is refused by name elsewhere', async () => {
  const started = startTrainingBackend('native', log)

  if (isTensorflowAddonBuilt()) {
    expect(await started).toBe('native')
    expect(tf.getBackend()).toBe('tensorflow')
    expect(lines).toEqual([[{ backend: 'native' }, 'training backend']])
  } else {
    await expect(started).rejects.toMatchObject({
      code: 'SETUP_FAILED',
      message: expect.stringContaining('npm run setup:tensorflow')
    })
  }
})

test('left to itself it takes native TensorFlow where it can, WebAssembly otherwise', async () => {
  const expected = isTensorflowAddonBuilt() ? 'native' : 'wasm'

  expect(await startTrainingBackend('auto', log)).toBe(expected)
})
