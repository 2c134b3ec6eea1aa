// What happens in the catalogue reaches every process that answers. Asked over HTTP, of two programs on
// one Postgres.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { removeItems, upsertItems } from '#shared/catalog/write-items.ts'
import { attributesOf, describedItems, describedModel } from '#test/support/described-release.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'
import { type Serving, startServing } from '#test/support/serving.ts'
import { publishSmallRelease } from '#test/support/small-release.ts'
import { useBackend } from '#test/support/tensorflow.ts'

const items = describedItems(48)
/** Clicks on items of the first group. */
const redSession = { items: ['item 0', 'item 6', 'item 12'], n: 10 }
const releaseId = 'living'
/** Two seconds are promised, which polling.test.ts and the benchmark `cold-start` hold: a busy machine gets more. */
const soon = { timeout: 10_000, interval: 20 }

let folder: string
let database: TestDatabase
let [first, second]: Serving[] = []

beforeAll(async () => {
  await useBackend('cpu')
  folder = await mkdtemp(join(tmpdir(), 'nextrie-living-'))
  database = await createTestDatabase()
  await upsertItems(database.pool, items)
  const trained = await describedModel(items)
  await publishSmallRelease(database.pool, { folder, trained, releaseId })
  ;[first, second] = await Promise.all([start(), start()])
}, 120_000)
afterAll(async () => {
  await Promise.all([first?.end('SIGTERM'), second?.end('SIGTERM')])
  await database.drop()
  await rm(folder, { recursive: true, force: true })
})

function start(): Promise<Serving> {
  return startServing({ DATABASE_URL: database.url, RECOMMENDER_THREADS: '1' })
}

async function put(key: string, group: string, more: object = {}): Promise<void> {
  const response = await fetch(`${first!.url}/v1/items/${encodeURIComponent(key)}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ attributes: attributesOf(group), ...more })
  })
  expect(response.status).toBe(200)
}

async function keysFrom(serving: Serving, question: object = redSession): Promise<string[]> {
  return (await serving.ask(question)).items.map(({ item }) => item)
}

async function similarTo(serving: Serving, key: string): Promise<string[] | undefined> {
  const response = await fetch(`${serving.url}/v1/items/${encodeURIComponent(key)}/similar?n=5`)
  const { items } = (await response.json()) as { items?: { item: string }[] }
  return items?.map(({ item }) => item)
}

async function idOf(key: string): Promise<{ number: number; codes: number[] } | undefined> {
  const { rows } = await database.pool.query(
    'select item_number as number, codes from placed_items where release_id = $1 and item_key = $2',
    [releaseId, key]
  )
  return rows[0]
}

test('a new item is recommended by the process that took it at once, and by the other one', async () => {
  await put('fresh', 'red')

  const { items: answered } = await first!.ask(redSession)
  expect(answered.find(({ item }) => item === 'fresh')).toMatchObject({ source: 'new' })
  await vi.waitUntil(async () => (await keysFrom(second!)).includes('fresh'), soon)
  expect(await idOf('fresh')).toMatchObject({ number: 48 })
})

test('clicks on a new item are read', async () => {
  await put('clicked red', 'red')
  await put('clicked blue', 'blue')
  const only = { n: 3, exclude: ['fresh'] }

  const none = await keysFrom(first!, { ...only, items: ['nothing'] })
  const afterRed = await keysFrom(first!, { ...only, items: ['clicked red'] })
  const afterBlue = await first!.ask({ ...only, items: ['clicked blue'] })

  expect(none).not.toEqual(afterRed)
  expect(afterBlue.items.every(({ source }) => source !== 'popular')).toBe(true)
  expect((await similarTo(first!, 'clicked red'))!.slice(0, 2)).toContain('fresh')
})

test('an update changes what an item is like, and not its ID', async () => {
  await put('changing', 'blue')
  const before = await idOf('changing')
  expect(await similarTo(first!, 'changing')).toContain('item 2')
  await vi.waitUntil(async () => (await similarTo(second!, 'changing')) !== undefined, soon)

  await put('changing', 'red')

  for (const serving of [first!, second!]) {
    const isRed = async () => (await similarTo(serving, 'changing'))?.includes('fresh') ?? false
    await vi.waitUntil(isRed, soon)
    expect(await similarTo(serving, 'changing')).not.toContain('item 2')
  }
  expect(await idOf('changing')).toEqual(before)
})

test('an item of the release that is described anew is like others, and keeps its own key', async () => {
  const blue = await similarTo(first!, 'item 14')

  await put('item 14', 'grey')

  const grey = await similarTo(first!, 'item 14')
  expect(grey).not.toEqual(blue)
  await vi.waitUntil(async () => String(await similarTo(second!, 'item 14')) === String(grey), soon)
  await put('item 14', 'blue')
  expect(await similarTo(first!, 'item 14')).toEqual(blue)
  expect(await idOf('item 14')).toBeUndefined()
})

test.each(['fresh', 'item 6'])(
  '%s leaves all answers when it is hidden, and comes back',
  async key => {
    const all = { n: 100, items: ['item 0'], repeat: true }
    expect(await keysFrom(first!, all)).toContain(key)

    await put(key, 'red', { visible: false })
    expect(await keysFrom(first!, all)).not.toContain(key)
    await vi.waitUntil(async () => !(await keysFrom(second!, all)).includes(key), soon)
    for (const serving of [first!, second!]) {
      expect(await keysFrom(serving, { n: 100, items: [] })).not.toContain(key)
      expect(await keysFrom(serving, { n: 100, items: [key] })).not.toContain(key)
    }

    await put(key, 'red')
    expect(await keysFrom(first!, all)).toContain(key)
    await vi.waitUntil(async () => (await keysFrom(second!, all)).includes(key), soon)
  }
)

test('a removed item leaves all answers, and is back under its ID when it is described again', async () => {
  const all = { n: 100, items: ['item 0'] }
  const before = await idOf('fresh')

  const response = await fetch(`${first!.url}/v1/items/fresh`, { method: 'DELETE' })

  expect(response.status).toBe(204)
  expect(await keysFrom(first!, all)).not.toContain('fresh')
  expect(await similarTo(first!, 'fresh')).toBeUndefined()
  await vi.waitUntil(async () => !(await keysFrom(second!, all)).includes('fresh'), soon)
  await put('fresh', 'red')
  expect(await keysFrom(first!, all)).toContain('fresh')
  expect(await idOf('fresh')).toEqual(before)
})

test('an item that another program writes is recommended, also where the notification is lost', async () => {
  const write = (key: string) =>
    upsertItems(database.pool, [{ key, attributes: attributesOf('red'), isVisible: true }])

  await write('from Kafka')
  await database.pool.query('alter table items disable trigger items_changed')
  await write('unheard')
  await database.pool.query('alter table items enable trigger items_changed')

  for (const serving of [first!, second!]) {
    const has = async () => {
      const keys = await keysFrom(serving, { ...redSession, n: 20 })
      return keys.includes('from Kafka') && keys.includes('unheard')
    }
    await vi.waitUntil(has, soon)
  }
})

test('a process that starts later answers like those that saw all changes', async () => {
  const before = await database.pool.query('select * from placed_items order by item_number')
  await put('hidden red', 'red', { visible: false })
  await put('item 20', 'white')
  await put('item 21', 'red', { visible: false })
  await removeItems(database.pool, ['clicked blue', 'item 22'])
  await vi.waitUntil(async () => (await similarTo(first!, 'clicked blue')) === undefined, soon)
  const third = await start()

  const questions = [redSession, { items: ['fresh', 'item 3'], n: 100 }, { items: [], n: 100 }]
  for (const question of questions) {
    const [old, started] = await Promise.all([first!.ask(question), third.ask(question)])
    expect(started.items.map(({ item }) => item)).toEqual(old.items.map(({ item }) => item))
  }
  for (const key of ['fresh', 'changing', 'item 14', 'item 20', 'item 22', 'clicked blue']) {
    expect(await similarTo(third, key)).toEqual(await similarTo(first!, key))
  }
  const after = await database.pool.query('select * from placed_items order by item_number')
  expect(after.rows).toEqual(before.rows)
  await third.end('SIGTERM')
}, 60_000)
