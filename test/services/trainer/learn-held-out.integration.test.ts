import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PublishedRelease } from '#services/trainer/train-release.ts'
import type { Event } from '#shared/events/event.ts'
import { loadModel } from '#shared/recommendations/load-model.ts'
import { readModel } from '#shared/recommendations/model-files.ts'
import { checkSample, takeSample } from '#shared/recommendations/sample.ts'
import type { TrainedModel } from '#shared/recommendations/trained-model.ts'
import { readRelease } from '#shared/releases/release-folder.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'
import { shopEvents, shopItems } from '#test/support/small-shop.ts'
import { useBackend } from '#test/support/tensorflow.ts'
import { fillLog, holdOut, trainSmallShop } from './train-small-shop.ts'

const days = 30
const heldOutFrom = Date.UTC(2026, 0, 1 + days - holdOut.testDays - holdOut.validationDays)
/** Came into the shop when the last days began. */
const [late, after] = [shopItems[0]!.key, shopItems[20]!.key]

let database: TestDatabase
let releasesFolder: string
let measured: PublishedRelease
let upToDate: PublishedRelease

beforeAll(async () => {
  await useBackend('wasm')
  database = await createTestDatabase()
  releasesFolder = await mkdtemp(join(tmpdir(), 'nextrie-releases-'))
  await fillLog(database, eventsWithLateItem())
  measured = await trainSmallShop({ database, releasesFolder })
  upToDate = await trainSmallShop({ database, releasesFolder, learnHeldOut: true })
})
afterAll(async () => {
  await database.drop()
  await rm(releasesFolder, { recursive: true })
})

test('what came in the held-out days is known, and what goes with it', async () => {
  const [before, now] = [await modelOf(measured), await modelOf(upToDate)]
  const item = before.itemKeys.indexOf(late)

  expect(before.clicks[item]).toBe(0)
  expect(now.clicks[item]).toBeGreaterThan(30)
  expect(before.coVisitation.starts[item + 1]).toBe(before.coVisitation.starts[item])
  const { starts, neighbours } = now.coVisitation
  const together = Array.from(neighbours.subarray(starts[item]!, starts[item + 1]!))
  expect(together).toContain(now.itemKeys.indexOf(after))
  expect(firstThree(now, late)).toContain(after)
  expect(firstThree(before, late)).not.toContain(after)
})

test('the figures, and all that was chosen, are of before', async () => {
  const [before, now] = [measured.manifest, upToDate.manifest]

  expect(now.metrics).toEqual(before.metrics)
  expect(now.config.blend).toEqual(before.config.blend)
  expect(now.config.recipe).toEqual(before.config.recipe)
  expect(now.config.settings).toMatchObject({ learnHeldOut: true })
})

test('such a release answers its sample, and the same log gives the same bytes', async () => {
  const again = await trainSmallShop({ database, releasesFolder, learnHeldOut: true })

  const model = loadModel(await modelOf(upToDate))

  expect(() => checkSample(model, upToDate.manifest.sample)).not.toThrow()
  expect(again.manifest.files).toEqual(upToDate.manifest.files)
})

/** Until the last days nobody clicks the late item; then every third session begins with it and the one after. */
function eventsWithLateItem(): Event[] {
  const events = shopEvents({ days, sessionsPerDay: 10, seed: 1 })
  return events.flatMap(event => {
    const isLate = event.occurredAt.getTime() >= heldOutFrom
    if (!isLate) return event.itemKey === late ? [] : [event]
    const isFirst = event.id.endsWith('-0')
    const isSecond = event.id.endsWith('-1')
    if (Number(event.sessionId.slice(1)) % 3 !== 0) return [event]
    return [{ ...event, ...(isFirst && { itemKey: late }), ...(isSecond && { itemKey: after }) }]
  })
}

function firstThree(model: TrainedModel, clicked: string): string[] {
  const { answer } = takeSample(loadModel(model), [clicked])
  return answer.slice(0, 3).map(({ item }) => item)
}

async function modelOf({ location }: PublishedRelease) {
  return readModel((await readRelease(location)).files)
}
