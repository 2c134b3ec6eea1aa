import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Item } from '#shared/catalog/item.ts'
import { type Recommender, startRecommender } from '#shared/recommendations/recommender.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { attributesOf, describedItems, describedModel } from '#test/support/described-release.ts'
import { writeSmallRelease } from '#test/support/small-release.ts'
import { useBackend } from '#test/support/tensorflow.ts'

const good: Item = { key: 'good', attributes: attributesOf('red'), isVisible: true }
/** As no database gives it out: reading its categories fails, and not with an error of ours. */
const broken = {
  key: 'broken',
  attributes: { ...attributesOf('red'), categories: null },
  isVisible: true
} as unknown as Item

let folder: string
let recommender: Recommender

beforeAll(async () => {
  await useBackend('cpu')
  folder = await mkdtemp(join(tmpdir(), 'nextrie-living-'))
  const location = await writeSmallRelease(
    folder,
    await describedModel(describedItems(48), 'semantic')
  )
  const queue = { length: 8, deadlineMs: 60_000 }
  const log = createLogger({ name: 'test', level: 'silent' })
  recommender = await startRecommender({ folder: location, log, threads: 1, queue })
}, 60_000)
afterAll(async () => {
  await recommender.close()
  await rm(folder, { recursive: true, force: true })
})

test('a fault that is no fault of an item is not blamed on one: asked again it may succeed', async () => {
  const { catalogue } = recommender
  const early = { key: 'early', number: catalogue.nextNumber() + 1, codes: [1, 1, 99] }
  const isRetryable = { code: 'WORKER_FAILED', canRetry: true }

  await expect(catalogue.adopt([early])).rejects.toMatchObject(isRetryable)
  await expect(catalogue.place([broken])).rejects.toMatchObject(isRetryable)
})

test('where finding an ID fails, those found before it are free again', async () => {
  const { catalogue } = recommender
  const before = await catalogue.place([good])

  await expect(catalogue.place([good, broken])).rejects.toThrow()

  expect(before.placements).toHaveLength(1)
  expect(await catalogue.place([good])).toEqual(before)
})
