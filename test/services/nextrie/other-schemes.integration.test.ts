// Item IDs by schemes that are not the default, through the whole product: trained from the log,
// published, answered over HTTP by the program itself, extended by a new item, shown by `nextrie index`.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Item } from '#shared/catalog/item.ts'
import { upsertItems } from '#shared/catalog/write-items.ts'
import type { Scheme } from '#shared/itemids/item-ids.ts'
import type { SchemeSettings } from '#shared/itemids/scheme.ts'
import { readModel } from '#shared/recommendations/model-files.ts'
import { readRelease } from '#shared/releases/release-folder.ts'
import { fillLog, trainSmallShop } from '#test/services/trainer/train-small-shop.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'
import { type Serving, startServing } from '#test/support/serving.ts'
import { shopEvents, shopItems } from '#test/support/small-shop.ts'
import { useBackend } from '#test/support/tensorflow.ts'
import { runNextrie } from './run-nextrie.ts'

/** Titles of one to three words, so that IDs made of them have different lengths. */
const titles = ['lamp', 'red lamp', 'small red chair']
const items: readonly Item[] = shopItems.map((item, i) => ({
  ...item,
  attributes: { ...item.attributes, title: titles[i % titles.length]! }
}))
/** Described as the items of ring 3 are. */
const newItem = { ...items[18]!.attributes, colour: 'colour new' }

beforeAll(() => useBackend('wasm'))

describe.each<{ scheme: Scheme; idSettings?: SchemeSettings; says: RegExp; lengths: RegExp }>([
  {
    scheme: 'semantic+collaborative',
    says: /ring 3 +\d+/,
    lengths: /\d+ of 3 codes, \d+ of 4 codes/
  },
  {
    scheme: 'title',
    idSettings: { words: 2 },
    says: /lamp +\d+/,
    lengths: /: \d+ of 2 codes, \d+ of 3 codes\n/
  }
])('$scheme', ({ scheme, idSettings, says, lengths }) => {
  let database: TestDatabase
  let releasesFolder: string
  let serving: Serving
  let location: string

  beforeAll(async () => {
    database = await createTestDatabase()
    releasesFolder = await mkdtemp(join(tmpdir(), 'nextrie-other-schemes-'))
    await fillLog(database, shopEvents({ days: 30, sessionsPerDay: 10, seed: 1 }))
    await upsertItems(database.pool, items)
    const release = await trainSmallShop({ database, releasesFolder, scheme, idSettings })
    location = release.location
    serving = await startServing({ DATABASE_URL: database.url, RECOMMENDER_THREADS: '1' })
  }, 120_000)
  afterAll(async () => {
    await serving?.end('SIGTERM')
    await database.drop()
    await rm(releasesFolder, { recursive: true, force: true })
  })

  test('the release has IDs of this scheme', async () => {
    const { files, manifest } = await readRelease(location)
    const { itemIds, placing } = readModel(files)

    expect(manifest.config).toMatchObject({ recipe: { scheme, ...(idSettings && { idSettings }) } })
    expect(itemIds.scheme).toBe(scheme)
    expect(placing.reading.from).toBe(scheme === 'title' ? 'title' : 'categories')
  })

  test('what the model writes is recommended: the next item of the ring', async () => {
    const { items: answered } = await serving.ask({ items: ['r2-1', 'r2-2'], n: 5 })

    expect(answered).toHaveLength(5)
    expect(answered[0]).toMatchObject({ item: 'r2-3', source: 'generated' })
  })

  test('a new item gets an ID under it and is recommended', async () => {
    const response = await fetch(`${serving.url}/v1/items/new`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ attributes: newItem })
    })
    expect(response.status).toBe(200)

    const onlyNew = { attribute: 'colour', equals: 'colour new' }
    const question = { items: ['r3-0', 'r3-1'], n: 5, filter: onlyNew }
    const keys = async () => (await serving.ask(question)).items.map(({ item }) => item)
    await vi.waitUntil(async () => (await keys()).length > 0, { timeout: 10_000 })

    expect(await keys()).toEqual(['new'])
    const { rows } = await database.pool.query('select codes from placed_items')
    const { itemIds } = readModel((await readRelease(location)).files)
    expect(rows).toEqual([{ codes: expect.any(Array) }])
    expect(pathsOf(itemIds)).toContain(rows[0].codes.slice(0, -1).join())
  })

  test('index shows the IDs of the live release and explains one', async () => {
    const environment = { DATABASE_URL: database.url }

    const [stats, explained, later] = await Promise.all([
      runNextrie(['index', 'stats'], { environment }),
      runNextrie(['index', '--explain', 'r3-0'], { environment }),
      runNextrie(['index', '--explain', 'new'], { environment })
    ])

    const origin = `${scheme}, as in the live release`
    expect(stats.output).toContain(`49 items, IDs by ${origin}`) // with the new one
    const { rows } = await database.pool.query('select codes from placed_items')
    expect(later.output).toContain(`has the ID ${rows[0].codes.join(' ')} by ${origin}`)
    expect(later.output).toContain('colour colour new')
    expect(stats.output).toMatch(lengths)
    expect(explained.output).toContain(`by ${origin}`)
    expect(explained.output).toMatch(says)
    expect(explained.output).toContain('shared codes')
  })
})

/** Cells of the catalogue: its IDs without their last codes. */
function pathsOf({ codes, depth }: { readonly codes: Int32Array; readonly depth: number }) {
  return Array.from({ length: codes.length / depth }, (_, row) =>
    codes.subarray(row * depth, (row + 1) * depth - 1).join()
  )
}
