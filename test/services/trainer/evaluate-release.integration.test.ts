import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { evaluateRelease } from '#services/trainer/evaluate-release.ts'
import { removeItems, upsertItems } from '#shared/catalog/write-items.ts'
import { withTransaction } from '#shared/database/pool.ts'
import { appendEvents } from '#shared/eventlog/append-events.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'
import { shopEvents, shopItems } from '#test/support/small-shop.ts'
import { useBackend } from '#test/support/tensorflow.ts'
import { fillLog, silentReport, trainSmallShop } from './train-small-shop.ts'

const thirtyDays = shopEvents({ days: 30, sessionsPerDay: 10, seed: 1 })

let database: TestDatabase
let releasesFolder: string

beforeAll(async () => {
  await useBackend('wasm')
  database = await createTestDatabase()
  releasesFolder = await mkdtemp(join(tmpdir(), 'nextrie-releases-'))
})
afterAll(async () => {
  await database.drop()
  await rm(releasesFolder, { recursive: true })
})

test('without a release there is nothing to evaluate', async () => {
  await expect(evaluateRelease(database.pool, silentReport)).rejects.toMatchObject({
    code: 'RELEASE_NOT_FOUND',
    message: expect.stringContaining('nextrie train')
  })
})

test('a release that has learned from its test days is not asked about them', async () => {
  await fillLog(database, thirtyDays)
  await trainSmallShop({ database, releasesFolder, epochs: 1, learnHeldOut: true })

  await expect(evaluateRelease(database.pool, silentReport)).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('has learned from its test days')
  })
})

test('a release has the figures of its manifest, whatever came into log and catalogue since', async () => {
  await fillLog(database, thirtyDays)
  const { manifest } = await trainSmallShop({ database, releasesFolder, epochs: 1 })
  const later = shopEvents({ days: 40, sessionsPerDay: 10, seed: 1 }).slice(thirtyDays.length)
  await withTransaction(database.pool, connection => appendEvents(connection, later))
  await upsertItems(database.pool, [{ key: 'new', attributes: { price: 1 }, isVisible: true }])
  await removeItems(database.pool, [shopItems[3]!.key])

  const { releaseId, rows } = await evaluateRelease(database.pool, silentReport)

  expect(releaseId).toBe(manifest.releaseId)
  expect(rows).toEqual(manifest.metrics)
})
