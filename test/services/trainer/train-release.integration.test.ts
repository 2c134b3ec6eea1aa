import { mkdir, mkdtemp, readdir, readFile, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PublishedRelease } from '#services/trainer/train-release.ts'
import type { Event } from '#shared/events/event.ts'
import { decodeArrays } from '#shared/model/safetensors.ts'
import { loadModel } from '#shared/recommendations/load-model.ts'
import { readModel } from '#shared/recommendations/model-files.ts'
import { checkSample } from '#shared/recommendations/sample.ts'
import type { TrainedModel } from '#shared/recommendations/trained-model.ts'
import type { Manifest } from '#shared/releases/manifest.ts'
import { listReleases, liveRelease } from '#shared/releases/registry.ts'
import { readRelease } from '#shared/releases/release-folder.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'
import { shopEvents, shopItems, smallRecipe } from '#test/support/small-shop.ts'
import { useBackend } from '#test/support/tensorflow.ts'
import { fillLog, holdOut, trainSmallShop } from './train-small-shop.ts'

const dayMs = 86_400_000
const events = shopEvents({ days: 30, sessionsPerDay: 10, seed: 1 })
const firstDay = Date.UTC(2026, 0, 1)
const testFrom = firstDay + (30 - holdOut.testDays) * dayMs
const validationFrom = testFrom - holdOut.validationDays * dayMs

let database: TestDatabase
let releasesFolder: string
let release: PublishedRelease

/** What a trainer leaves that dies while it writes. */
const leftover = '.20080401T000000Z-aaaaaa.4711'
const longAgo = new Date('2008-04-01T00:00:00Z')

beforeAll(async () => {
  await useBackend('wasm')
  database = await createTestDatabase()
  releasesFolder = await mkdtemp(join(tmpdir(), 'nextrie-releases-'))
  await mkdir(join(releasesFolder, leftover))
  await utimes(join(releasesFolder, leftover), longAgo, longAgo)
  release = await trainOn(events)
})
afterAll(async () => {
  await database.drop()
  await rm(releasesFolder, { recursive: true })
})

test('what visitors do next is learned, by the generator too', () => {
  const { popularity, ...methods } = byMethod(release.manifest)

  expect(Object.keys(methods)).toEqual(['co-visitation', 'generator alone', 'nextrie'])
  expect(popularity!.recallAt10).toBeLessThan(0.5) // ten of forty-eight items
  expect(methods['generator alone']!.recallAt10).toBeGreaterThan(0.8)
  expect(methods.nextrie!.recallAt10).toBeGreaterThan(0.8)
  // The next item of the ring is first nine times of ten.
  expect(methods.nextrie!.ndcgAt10).toBeGreaterThan(0.7)
  expect(methods.nextrie!.coverageAt10).toBeGreaterThan(0.9)
})

test('the release knows the category of each item, and what codes stand for', async () => {
  const { itemKeys, categories, idWords } = await modelOf(release)
  const ringsOf = (category: number) =>
    new Set(itemKeys.filter((_, i) => categories!.classes[i] === category).map(ringOf))

  expect(categories!.levels).toBe(1) // all items have the same root
  expect(new Set(categories!.classes).size).toBe(new Set(itemKeys.map(ringOf)).size)
  for (const category of categories!.classes) expect(ringsOf(category).size).toBe(1)
  expect(idWords!.some(({ words }) => words.some(word => /^ring \d$/.test(word)))).toBe(true)
  expect(idWords!.every(({ examples }) => examples.length > 0)).toBe(true)
})

const ringOf = (key: string) => key.split('-')[0]

test('the manifest tells what was read, how it was split, and how it was trained', async () => {
  const positions = events.length
  const clickTimes = events.map(({ occurredAt }) => occurredAt.getTime())

  const { manifest } = release

  expect(manifest).toMatchObject({
    seed: 1,
    madeWith: { backend: 'wasm', nextrie: expect.any(String), node: process.versions.node },
    config: { recipe: smallRecipe, settings: { ...holdOut, sessionGapMinutes: 30 } },
    data: {
      fromPosition: 1,
      toPosition: positions,
      events: positions,
      items: shopItems.length,
      firstEventAt: new Date(Math.min(...clickTimes)).toISOString(),
      lastEventAt: new Date(Math.max(...clickTimes)).toISOString(),
      validationFrom: new Date(validationFrom).toISOString(),
      testFrom: new Date(testFrom).toISOString(),
      sessions: { training: 220, validation: 40, test: 40 }
    }
  })
  // Every click of a test session but its first one is asked for.
  const isTest = (event: Event) => event.occurredAt.getTime() >= testFrom
  expect(byMethod(manifest).nextrie!.targets).toBe(events.filter(isTest).length - 40)
  expect(JSON.stringify(manifest)).not.toContain(database.url)
})

test('the release is live, and loads into a model that answers its sample', async () => {
  const live = await liveRelease(database.pool)

  const { manifest, files } = await readRelease(release.location)

  expect(live).toMatchObject({ releaseId: manifest.releaseId, location: release.location })
  expect(live!.manifest).toEqual(manifest)
  expect(manifest.sample.clicked).toHaveLength(3)
  expect(() => checkSample(loadModel(readModel(files)), manifest.sample)).not.toThrow()
})

test('the same seed and log give the same bytes and the same figures, another seed others', async () => {
  const again = await trainSmallShop({ database, releasesFolder })
  const other = await trainSmallShop({ database, releasesFolder, seed: 2 })

  expect(again.manifest.files).toEqual(release.manifest.files)
  expect(again.manifest.metrics).toEqual(release.manifest.metrics)
  expect(again.manifest.sample).toEqual(release.manifest.sample)
  expect(again.manifest.releaseId).not.toBe(release.manifest.releaseId)
  expect(other.manifest.files['weights.safetensors']).not.toEqual(
    release.manifest.files['weights.safetensors']
  )
})

test('nothing in a release is fitted on the test part, not even a choice', async () => {
  const changed = await trainOn(permutedFrom(testFrom))

  expect(changed.manifest.files).toEqual(release.manifest.files)
  expect(changed.manifest.metrics).not.toEqual(release.manifest.metrics)
})

test('item IDs, features, co-visitation and vectors are fitted on the training part only', async () => {
  // With one epoch there is none to choose on validation.
  const before = await trainOn(events, 1)
  const after = await trainOn(permutedFrom(validationFrom), 1)

  const hashes = ({ manifest }: PublishedRelease) =>
    ['item-ids.json', 'items.safetensors', 'co-visitation.safetensors'].map(
      name => manifest.files[name]
    )
  expect(hashes(after)).toEqual(hashes(before))
  expect(await encoderWeights(after)).toEqual(await encoderWeights(before))
  const [{ reading, config, repeats }, first] = [await modelOf(after), await modelOf(before)]
  expect({ reading, config, repeats }).toEqual({
    reading: first.reading,
    config: first.config,
    repeats: first.repeats
  })
  expect(after.manifest.metrics).not.toEqual(before.manifest.metrics)
})

test('after publishing it removes what a trainer that died has left', async () => {
  expect(await readdir(releasesFolder)).not.toContain(leftover)
})

test('a Postgres that is away when the release is finished is waited for', async () => {
  await announcementsFail({ times: 1, code: '57P03' }) // cannot_connect_now

  const published = await trainOn(events, 1)

  expect(await liveRelease(database.pool)).toMatchObject({ location: published.location })
})

test('a release that cannot be announced leaves no folder behind', async () => {
  await announcementsFail({ times: 1, code: '42501' }) // insufficient_privilege
  const folders = await readdir(releasesFolder)

  await expect(trainOn(events, 1)).rejects.toMatchObject({ code: '42501' })

  expect(await readdir(releasesFolder)).toEqual(folders)
})

test('a log that is too short publishes nothing', async () => {
  const [announced, folders] = [await listReleases(database.pool), await readdir(releasesFolder)]

  const training = trainOn(events.filter(({ occurredAt }) => occurredAt.getTime() >= testFrom))

  await expect(training).rejects.toMatchObject({ code: 'LOG_TOO_SHORT' })
  expect(await listReleases(database.pool)).toEqual(announced)
  expect(await readdir(releasesFolder)).toEqual(folders)
})

async function trainOn(log: readonly Event[], epochs?: number): Promise<PublishedRelease> {
  await fillLog(database, log)
  return trainSmallShop({ database, releasesFolder, ...(epochs && { epochs }) })
}

/** Makes Postgres refuse the next announcements; a sequence counts also what is rolled back. */
async function announcementsFail(refused: { times: number; code: string }): Promise<void> {
  await database.pool.query(`
    create sequence if not exists announcements;
    select setval('announcements', 1, false);
    create or replace function refuse() returns trigger language plpgsql as $$ begin
      if nextval('announcements') <= ${refused.times} then
        raise exception 'refused' using errcode = '${refused.code}';
      end if;
      return new;
    end $$;
    create or replace trigger refusing before insert on releases
      for each row execute function refuse()`)
}

/** The log with the items of all later clicks permuted, and half of those clicks moved in time. */
function permutedFrom(cut: number): Event[] {
  const later = events.filter(({ occurredAt }) => occurredAt.getTime() >= cut)
  const keys = createRandom(9).shuffle(later.map(({ itemKey }) => itemKey!))
  return events.map(event => {
    if (event.occurredAt.getTime() < cut) return event
    const isMoved = keys.length % 2 === 0
    const occurredAt = new Date(event.occurredAt.getTime() + (isMoved ? 60_000 : 0))
    return { ...event, itemKey: keys.pop()!, occurredAt }
  })
}

function byMethod({ metrics }: Manifest): Record<string, Manifest['metrics'][number]> {
  return Object.fromEntries(metrics.map(row => [row.method, row]))
}

async function modelOf({ location }: PublishedRelease): Promise<TrainedModel> {
  return readModel((await readRelease(location)).files)
}

async function encoderWeights({ location }: PublishedRelease) {
  const weights = decodeArrays(await readFile(join(location, 'weights.safetensors')))
  return Object.entries(weights).filter(([name]) => !name.startsWith('decoder.'))
}
