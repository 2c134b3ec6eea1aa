import { mkdir, mkdtemp, readdir, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { withTransaction } from '#shared/database/pool.ts'
import { announceRelease, listReleases, lockReleases } from '#shared/releases/registry.ts'
import { readRelease, writeRelease } from '#shared/releases/release-folder.ts'
import { removeOldReleases } from '#shared/releases/remove-old-releases.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'
import { manifestFacts } from '#test/support/small-release.ts'

let database: TestDatabase
let folder: string

beforeAll(async () => {
  database = await createTestDatabase()
})
beforeEach(async () => {
  await database.pool.query('delete from releases')
  folder = await mkdtemp(join(tmpdir(), 'nextrie-releases-'))
  return () => rm(folder, { recursive: true })
})
afterAll(() => database.drop())

test('the newest so many stay, and the others go with their folders and rows', async () => {
  const ids = await publish(1, 2, 3, 4)

  const outcome = await remove(2)

  expect(outcome).toEqual({ removed: [ids[1], ids[0]], leftovers: 0 })
  expect((await readdir(folder)).sort()).toEqual([ids[2], ids[3]])
  expect(await known()).toEqual([ids[3], ids[2]])
  expect(await remove(2)).toEqual({ removed: [], leftovers: 0 })
})

test('whatever is live, or waits to be, stays however old it is', async () => {
  const ids = await publish(1, 2, 3, 4, 5)
  await become(ids[4]!, 'retired')
  await become(ids[0]!, 'live')
  await become(ids[1]!, 'shadow')

  await remove(2)

  expect(await known()).toEqual([ids[4], ids[3], ids[1], ids[0]])
  expect((await readRelease(join(folder, ids[0]!))).manifest.releaseId).toBe(ids[0])
})

test('what stands in another folder is left alone, folder and row', async () => {
  const elsewhere = join(folder, 'elsewhere')
  const [old] = await publish(1)
  await database.pool.query('update releases set location = $1', [join(elsewhere, old!)])
  await publish(2, 3)

  await remove(2)

  expect(await known()).toContain(old)
  expect(await readdir(folder)).toContain(old)
})

test('a removal that died half way is finished by the next', async () => {
  const ids = await publish(1, 2, 3, 4)
  await rm(join(folder, ids[0]!), { recursive: true })
  await mkdir(join(folder, `.${ids[0]}.removed`))

  await remove(3)

  expect((await readdir(folder)).sort()).toEqual(ids.slice(1))
  expect(await known()).not.toContain(ids[0])
})

test('a removal waits for whoever changes the registry', async () => {
  await publish(1, 2, 3)
  let isDone = false
  const removal = withTransaction(database.pool, async connection => {
    await lockReleases(connection)
    const removing = remove(2).finally(() => {
      isDone = true
    })
    await expect.poll(waitsForLock).toBe(true)
    return { removing, wasDone: isDone }
  })

  const { removing, wasDone } = await removal

  expect(wasDone).toBe(false)
  expect((await removing).removed).toHaveLength(1)
})

test('folders of trainers that died go after a day; of those that write, and all else, none', async () => {
  const names = {
    died: '.20261101T000000Z-aaaaaa.4711',
    writing: '.20261102T000000Z-bbbbbb.4712',
    other: '.snapshots',
    unannounced: '20261103T000000Z-cccccc'
  }
  for (const name of Object.values(names)) await mkdir(join(folder, name))
  const yesterday = new Date(Date.now() - 25 * 3_600_000)
  for (const name of [names.died, names.other, names.unannounced]) {
    await utimes(join(folder, name), yesterday, yesterday)
  }

  const outcome = await remove(2)

  expect(outcome).toEqual({ removed: [], leftovers: 1 })
  expect((await readdir(folder)).sort()).toEqual([names.writing, names.other, names.unannounced])
})

function remove(kept: number) {
  return removeOldReleases(database.pool, { folder, kept })
}

/** Writes and announces releases of these days; the last one is live. */
async function publish(...days: number[]): Promise<string[]> {
  const ids = days.map(day => `2026110${day}T030000Z-f58bb${day}`)
  for (const releaseId of ids) {
    const release = await writeRelease(folder, manifestFacts({ releaseId }), {
      'model.bin': Buffer.from([1])
    })
    await announceRelease(database.pool, release)
  }
  return ids
}

async function become(releaseId: string, state: string): Promise<void> {
  await database.pool.query('update releases set state = $2 where release_id = $1', [
    releaseId,
    state
  ])
}

async function known(): Promise<string[]> {
  return (await listReleases(database.pool)).map(({ releaseId }) => releaseId)
}

async function waitsForLock(): Promise<boolean> {
  const { rows } = await database.pool.query(
    `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
  )
  return rows.length > 0
}
