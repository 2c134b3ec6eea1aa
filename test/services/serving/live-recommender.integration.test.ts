import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { FollowedRelease } from '#services/serving/live-recommender.ts'
import type { Item } from '#shared/catalog/item.ts'
import { upsertItems } from '#shared/catalog/write-items.ts'
import type { Recommender } from '#shared/recommendations/recommender.ts'
import type { Manifest } from '#shared/releases/manifest.ts'
import { announceRelease } from '#shared/releases/registry.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'
import { alphabetRecommender, gate, silent } from './serving-app.ts'

const question = { clicks: [], count: 1, exclude: [] }

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
beforeEach(() => database.pool.query('delete from releases'))
afterAll(() => database.drop())

/** Follows the registry with recommenders that the test makes, named by their folder. */
function follow(start: (folder: string) => Promise<Recommender>): FollowedRelease {
  return new FollowedRelease({ pool: database.pool, log: silent, start })
}

async function announce(releaseId: string): Promise<void> {
  const manifest = { releaseId } as Manifest // the registry reads nothing else of it
  await announceRelease(database.pool, { manifest, location: releaseId })
}

test('before the first release a question is answered by an error worth a retry', async () => {
  const followed = follow(async folder => alphabetRecommender(folder))
  await followed.refresh()

  expect(followed.releaseId()).toBeUndefined()
  await expect(followed.recommend(question)).rejects.toMatchObject({
    code: 'RELEASE_NOT_FOUND',
    canRetry: true
  })
})

test('a release is loaded once it is announced', async () => {
  const followed = follow(async folder => alphabetRecommender(folder))
  await followed.refresh()
  await announce('r1')
  await followed.refresh()

  expect(await followed.recommend(question)).toMatchObject({ releaseId: 'r1' })
})

test('the old release answers until the new one is loaded, and closes when it owes nothing', async () => {
  const loaded = gate()
  const answered = gate()
  const closed: string[] = []
  const followed = follow(async folder => {
    if (folder === 'new') await loaded.opened
    const recommender = alphabetRecommender(folder)
    return {
      ...recommender,
      recommend: async query => {
        if (query.count === 2) await answered.opened
        return recommender.recommend(query)
      },
      close: async () => void closed.push(folder)
    }
  })
  await announce('old')
  await followed.refresh()
  const begun = followed.recommend({ ...question, count: 2 })

  await announce('new')
  const swapped = followed.refresh()
  expect(await followed.recommend(question)).toMatchObject({ releaseId: 'old' })
  loaded.open()
  await expect.poll(() => followed.releaseId()).toBe('new')
  expect(await followed.recommend(question)).toMatchObject({ releaseId: 'new' })
  expect(closed).toEqual([])

  answered.open()
  expect(await begun).toMatchObject({ releaseId: 'old' })
  await swapped
  expect(closed).toEqual(['old'])
})

test('while a release is loaded it tells how many changed items it has taken in', async () => {
  const told: unknown[] = []
  const followed: FollowedRelease = follow(async folder => {
    const recommender = alphabetRecommender(folder)
    const update = async (items: readonly Item[]) => {
      await recommender.catalogue.update(items)
      told.push([items.length, followed.loading()])
    }
    return { ...recommender, catalogue: { ...recommender.catalogue, hasId: () => true, update } }
  })
  const items = Array.from({ length: 501 }, (_, i) => ({ key: `item ${i}`, attributes: {}, isVisible: true })) // biome-ignore format: one line
  await upsertItems(database.pool, items)
  await announce('r1')
  await followed.refresh()

  expect(told).toEqual([
    [500, { releaseId: 'r1', items: 0 }],
    [1, { releaseId: 'r1', items: 500 }]
  ])
  expect(followed.loading()).toBeUndefined()
  await database.pool.query('truncate items')
})

test('a release that cannot be loaded is refused, and the one before it goes on answering', async () => {
  const started: string[] = []
  const followed = follow(async folder => {
    started.push(folder)
    if (folder === 'bad') throw new RecommenderError('RELEASE_CORRUPT', 'a hash differs')
    return alphabetRecommender(folder)
  })
  await announce('good')
  await followed.refresh()
  await announce('bad')
  await followed.refresh()
  await followed.refresh()

  expect(await followed.recommend(question)).toMatchObject({ releaseId: 'good' })
  expect(started).toEqual(['good', 'bad'])
})

test('a process that starts with a corrupt release answers with the newest before it that can be loaded', async () => {
  const started: string[] = []
  const followed = follow(async folder => {
    started.push(folder)
    if (folder !== 'good' && folder !== 'older') throw new RecommenderError('RELEASE_CORRUPT', 'no')
    return alphabetRecommender(folder)
  })
  for (const releaseId of ['older', 'good', 'gone', 'bad']) await announce(releaseId)
  await followed.refresh()
  await followed.refresh()

  expect(started).toEqual(['bad', 'gone', 'good'])
  expect(await followed.recommend(question)).toMatchObject({ releaseId: 'good' })
  expect(followed.refused()).toEqual({ releaseId: 'bad', reason: 'no' })

  await announce('older still')
  await database.pool.query(`update releases set location = 'older' where state = 'live'`)
  await followed.refresh()
  expect(followed.releaseId()).toBe('older still')
  expect(followed.refused()).toBeUndefined()
})

test('what was refused, and why, is told until a release is loaded', async () => {
  const followed = follow(async folder => {
    if (folder === 'bad') throw new RecommenderError('RELEASE_CORRUPT', 'a hash differs')
    return alphabetRecommender(folder)
  })
  await announce('bad')
  await followed.refresh()

  expect(followed.refused()).toEqual({ releaseId: 'bad', reason: 'a hash differs' })

  await announce('good')
  await followed.refresh()
  expect(followed.refused()).toBeUndefined()
})

test('a release that no longer takes in changes of the catalogue is loaded anew', async () => {
  let isLiving = true
  const closed: string[] = []
  let started = 0
  const followed = follow(async folder => {
    const name = `${folder} ${++started}`
    return {
      ...alphabetRecommender(folder),
      isLiving: () => isLiving,
      close: async () => void closed.push(name)
    }
  })
  await announce('r1')
  await followed.refresh()
  await followed.refresh()
  expect(started).toBe(1)

  isLiving = false
  await followed.refresh()

  expect(started).toBe(2)
  expect(closed).toEqual(['r1 1'])
  expect(await followed.recommend(question)).toMatchObject({ releaseId: 'r1' })
})

test('a question that fails leaves the release where it is', async () => {
  const followed = follow(async folder => {
    const recommender = alphabetRecommender(folder)
    const recommend = async (query: typeof question) => {
      if (query.count === 1) return recommender.recommend(query)
      throw new RecommenderError('WORKER_FAILED', 'two threads died with it', { canRetry: true })
    }
    return { ...recommender, recommend }
  })
  await announce('r1')
  await followed.refresh()

  const failing = followed.recommend({ ...question, count: 2 })

  await expect(failing).rejects.toMatchObject({ code: 'WORKER_FAILED' })
  expect(await followed.recommend(question)).toMatchObject({ releaseId: 'r1' })
  expect(followed.load()).toMatchObject({ threads: 1 })
})
