import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { trainOrKeep } from '#services/trainer/train-or-keep.ts'
import { decodeArrays } from '#shared/model/safetensors.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { useBackend } from '#test/support/tensorflow.ts'
import { listeningReporter, tinyRecipe, tinyTrainingSet } from '#test/support/tiny-training.ts'

let releasesFolder: string

beforeAll(() => useBackend('cpu'))
beforeEach(async () => {
  releasesFolder = await mkdtemp(join(tmpdir(), 'nextrie-kept-'))
})
afterEach(() => rm(releasesFolder, { recursive: true }))

test('the last good weights are in the file that the error names', async () => {
  const failure = await failureOf(100) // a good first epoch, an explosion later

  const [file] = await readdir(releasesFolder)
  expect(failure).toMatchObject({ code: 'TRAINING_DIVERGED' })
  expect(failure.message).toMatch(/exploded.*the weights of epoch \d+, the last good ones, are in/)
  expect(failure.message).toContain(join(releasesFolder, file!))
  const arrays = decodeArrays(await readFile(join(releasesFolder, file!)))
  expect(arrays.vectors!.shape).toEqual([6, tinyRecipe.width])
  expect(Object.keys(arrays)).toContain('table')
  expect(Array.from(arrays.vectors!.values).every(Number.isFinite)).toBe(true)
})

test('nothing is saved when no epoch was good', async () => {
  const failure = await failureOf(1e30)

  expect(failure).toMatchObject({ code: 'TRAINING_DIVERGED' })
  expect(failure.message).not.toContain('last good')
  expect(await readdir(releasesFolder)).toEqual([])
})

function failureOf(learningRate: number): Promise<Error> {
  const sessions = [[0, 3], [1, 4], [2, 5], [5, 0, 3]] // biome-ignore format: short
  const training = trainOrKeep(tinyTrainingSet(sessions, 6), {
    recipe: {
      ...tinyRecipe,
      epochs: 40,
      clicksPerBatch: learningRate > 1e9 ? 2 : 100,
      learningRate
    },
    seed: 1,
    report: listeningReporter(),
    log: createLogger({ name: 'test', level: 'silent' }),
    config: { releasesFolder }
  })
  return training.then(
    () => Promise.reject(new Error('it has not failed')),
    error => error as Error
  )
}
