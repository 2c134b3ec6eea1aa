import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type FollowedCatalogue, followCatalogue } from '#services/serving/follow-catalogue.ts'
import type { Item } from '#shared/catalog/item.ts'
import { removeItems, upsertItems } from '#shared/catalog/write-items.ts'
import type { Scheme } from '#shared/itemids/item-ids.ts'
import {
  type LivingCatalogue,
  type Recommender,
  startRecommender
} from '#shared/recommendations/recommender.ts'
import { lockPlacing } from '#shared/releases/placed-items.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { attributesOf, describedItems, describedModel } from '#test/support/described-release.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'
import { publishSmallRelease } from '#test/support/small-release.ts'
import { useBackend } from '#test/support/tensorflow.ts'
import { silent } from './serving-app.ts'

const items = describedItems(48)

let folder: string
let database: TestDatabase
const started: Recommender[] = []

beforeAll(async () => {
  await useBackend('cpu')
  folder = await mkdtemp(join(tmpdir(), 'nextrie-follow-'))
  database = await createTestDatabase()
})
afterEach(async () => {
  await Promise.all(started.splice(0).map(recommender => recommender.close()))
  await database.pool.query('truncate items')
})
afterAll(async () => {
  await database.drop()
  await rm(folder, { recursive: true, force: true })
})

async function publish(releaseId: string, scheme: Scheme = 'residual-kmeans'): Promise<string> {
  const trained = await describedModel(items, scheme)
  return publishSmallRelease(database.pool, { folder, trained, releaseId })
}

interface Follower {
  readonly recommender: Recommender
  readonly followed: FollowedCatalogue
}

async function follow(location: string, room?: number): Promise<Follower> {
  const queue = { length: 512, deadlineMs: 60_000 }
  const task = { folder: location, log: silent, threads: 1, queue, ...(room && { room }) }
  const recommender = await startRecommender(task)
  started.push(recommender)
  const { releaseId, catalogue } = recommender
  const facts = { pool: database.pool, log: silent, releaseId, catalogue }
  return { recommender, followed: await followCatalogue(facts) }
}

function newItems(count: number, name: string): Item[] {
  return Array.from({ length: count }, (_, i) => ({
    key: `${name} ${i}`,
    attributes: attributesOf(['red', 'green', 'blue'][i % 3]!),
    isVisible: true
  }))
}

const question = { clicks: [], exclude: [] }

async function keysOf(
  { recommender }: Pick<Follower, 'recommender'>,
  count: number
): Promise<string[]> {
  const { items } = await recommender.recommend({ ...question, count })
  return items.map(({ itemKey }) => itemKey)
}

test('two processes that place the same items at once give them the same IDs', async () => {
  const location = await publish('race')
  const both = [await follow(location), await follow(location)]
  await upsertItems(database.pool, newItems(300, 'a'))
  await upsertItems(database.pool, newItems(300, 'b'))

  await Promise.all(both.map(({ followed }) => followed.refresh()))

  const { rows } = await database.pool.query(
    `select count(*)::integer, max(item_number) from placed_items where release_id = 'race'`
  )
  expect(rows).toEqual([{ count: 600, max: 647 }])
  const [one, other] = [await keysOf(both[0]!, 700), await keysOf(both[1]!, 700)]
  expect(one).toHaveLength(648)
  expect(other).toEqual(one)
}, 60_000)

test('items that find no room are counted, and those before them are recommended', async () => {
  const location = await publish('full')
  const room = 1500
  const follower = await follow(location, room)
  await upsertItems(database.pool, newItems(room + 7, 'new'))

  await follower.followed.refresh()

  expect(follower.followed.state()).toMatchObject({ added: room, room, withoutRoom: 7, faulty: 0 })
  const keys = await keysOf(follower, room + 100)
  expect(keys).toHaveLength(room + 48)
  expect(new Set(keys).size).toBe(room + 48)
  const later = await follow(location, room)
  expect(later.followed.state()).toMatchObject({ added: room, room, withoutRoom: 7, faulty: 0 })

  const noRoom = newItems(room + 7, 'new').slice(room)
  await removeItems(database.pool, [noRoom[0]!.key])
  await upsertItems(database.pool, [{ ...noRoom[1]!, isVisible: false }])
  await follower.followed.refresh()
  expect(follower.followed.state()).toMatchObject({ withoutRoom: 5 })
}, 120_000)

test('an item of a new category gets a branch of its own under a scheme that reads categories', async () => {
  const location = await publish('readable', 'semantic')
  const follower = await follow(location)
  const isNamed = { colour: 'red', words: ['red shirt'], categories: ['shop', 'pink'] }
  await upsertItems(database.pool, [{ key: 'pink', attributes: isNamed, isVisible: true }])

  await follower.followed.refresh()

  const click = { itemKey: 'item 0', type: 'click', at: 0 } as const
  const answer = await follower.recommender.recommend({
    clicks: [click],
    exclude: [],
    repeat: true,
    count: 60,
    explain: true
  })
  const pink = answer.items.find(({ itemKey }) => itemKey === 'pink')
  const probabilities = pink!.explanation!.path.map(({ probability }) => probability)
  expect(probabilities.every(value => value! > 0 && value! <= 1)).toBe(true)
  expect(new Set(answer.items.map(({ itemKey }) => itemKey)).size).toBe(49)
}, 60_000)

test('many hidden items cost nothing to hide, and come back when they are shown', async () => {
  await upsertItems(
    database.pool,
    items.map((item, i) => ({ ...item, isVisible: i < 4 }))
  )
  const follower = await follow(await publish('hidden'))
  expect((await keysOf(follower, 48)).toSorted()).toEqual(['item 0', 'item 1', 'item 2', 'item 3'])

  await upsertItems(database.pool, items)
  await follower.followed.refresh()

  expect(await keysOf(follower, 100)).toHaveLength(48)
}, 60_000)

test('while another holds the lock for new items, known ones are hidden, and then new ones come', async () => {
  const follower = await follow(await publish('locked'))
  const holder = await database.pool.connect()
  await holder.query('begin')
  await lockPlacing(holder, 'locked')
  await holder.query('set local idle_in_transaction_session_timeout = 0')
  await upsertItems(database.pool, newItems(501, 'new')) // more than a page
  await upsertItems(database.pool, [{ ...items[3]!, isVisible: false }])

  const refreshed = follower.followed.refresh()

  await expect.poll(() => keysOf(follower, 100), { timeout: 10_000 }).not.toContain('item 3')
  expect(follower.followed.state()).toMatchObject({ added: 0 })
  await holder.query('commit')
  holder.release()
  await refreshed
  expect(follower.followed.state()).toMatchObject({ added: 501 })
  expect(await keysOf(follower, 1000)).toHaveLength(47 + 501)
}, 60_000)

test('an item that cannot be taken in keeps no other one out', async () => {
  const { recommender } = await follow(await publish('faulty'))
  const { releaseId, catalogue } = recommender
  const update: LivingCatalogue['update'] = async items => {
    if (items.some(({ key }) => key === 'new 3')) throw new RecommenderError('ITEM_INVALID', 'no')
    await catalogue.update(items)
  }
  const facts = { pool: database.pool, log: silent, releaseId }
  await upsertItems(database.pool, newItems(6, 'new'))
  const followed = await followCatalogue({ ...facts, catalogue: { ...actsOf(catalogue), update } })

  const keys = await keysOf({ recommender }, 100)

  expect(keys).toHaveLength(48 + 5)
  expect(keys).not.toContain('new 3')
  expect(followed.state()).toMatchObject({ added: 6, faulty: 1 })
}, 60_000)

test('what fails by no fault of an item is taken in by the next look', async () => {
  const { recommender } = await follow(await publish('transient'))
  const { releaseId, catalogue } = recommender
  let isBroken = false
  const adopt: LivingCatalogue['adopt'] = placements => {
    const wrong = placements.map(each => ({ ...each, number: each.number + 1 }))
    return catalogue.adopt(isBroken ? wrong : placements)
  }
  const facts = { pool: database.pool, log: silent, releaseId }
  const followed = await followCatalogue({ ...facts, catalogue: { ...actsOf(catalogue), adopt } })
  await upsertItems(database.pool, newItems(6, 'new'))

  isBroken = true
  await expect(followed.refresh()).rejects.toMatchObject({ code: 'WORKER_FAILED' })
  isBroken = false
  await followed.refresh()

  expect(await keysOf({ recommender }, 100)).toHaveLength(48 + 6)
  expect(followed.state()).toMatchObject({ added: 6, faulty: 0 })
}, 60_000)

/** The real one, so that a test can take one of its acts over. */
function actsOf(catalogue: LivingCatalogue): LivingCatalogue {
  return {
    trainedVersion: catalogue.trainedVersion,
    room: catalogue.room,
    hasId: key => catalogue.hasId(key),
    nextNumber: () => catalogue.nextNumber(),
    added: () => catalogue.added(),
    hide: keys => catalogue.hide(keys),
    adopt: placements => catalogue.adopt(placements),
    place: items => catalogue.place(items),
    update: items => catalogue.update(items)
  }
}
