import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Manifest } from '#shared/releases/manifest.ts'
import { announceRelease, listReleases, liveRelease } from '#shared/releases/registry.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'
import { manifestFacts } from '#test/support/small-release.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})
beforeEach(() => database.pool.query('delete from releases'))
afterAll(() => database.drop())

test('before the first release there is none', async () => {
  expect(await liveRelease(database.pool)).toBeUndefined()
  expect(await listReleases(database.pool)).toEqual([])
})

test('an announced release is live, with its folder and its manifest', async () => {
  await announce('r1')

  expect(await liveRelease(database.pool)).toEqual({
    releaseId: 'r1',
    state: 'live',
    location: '/releases/r1',
    manifest: manifestOf('r1'),
    publishedAt: expect.any(Date)
  })
})

test('the release before is retired, and the newest is listed first', async () => {
  await announce('r2')
  await announce('r1')
  await announce('r3')

  const states = (await listReleases(database.pool)).map(each => [each.releaseId, each.state])
  expect(states).toEqual([
    ['r3', 'live'],
    ['r1', 'retired'],
    ['r2', 'retired']
  ])
})

test('an announcement that fails leaves the live release live', async () => {
  await announce('r1')
  const nowhere = { manifest: manifestOf('r2'), location: null as unknown as string }

  await expect(announceRelease(database.pool, nowhere)).rejects.toThrow('location')

  expect(await liveRelease(database.pool)).toMatchObject({ releaseId: 'r1' })
})

test('an announcement that is made again, as when nobody knows if it committed, changes nothing', async () => {
  await announce('r1')
  await announce('r2')
  const before = await listReleases(database.pool)

  await announce('r2')
  await announce('r1')

  expect(await listReleases(database.pool)).toEqual(before)
})

test('of releases that are announced at once one is live, and none is lost', async () => {
  const ids = ['r1', 'r2', 'r3', 'r4', 'r5', 'r6']
  await Promise.all(ids.map(() => database.pool.query('select pg_sleep(0.1)'))) // all connected

  await Promise.all(ids.map(announce))

  const releases = await listReleases(database.pool)
  expect(releases.map(({ releaseId }) => releaseId).sort()).toEqual(ids)
  expect(releases.map(({ state }) => state)).toEqual([
    'live',
    ...Array.from({ length: 5 }, () => 'retired')
  ])
})

async function announce(releaseId: string): Promise<void> {
  const manifest = manifestOf(releaseId)
  await announceRelease(database.pool, { manifest, location: `/releases/${releaseId}` })
}

function manifestOf(releaseId: string): Manifest {
  return { ...manifestFacts({ releaseId }), files: {} }
}
