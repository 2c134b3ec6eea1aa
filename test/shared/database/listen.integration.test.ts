import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { startListening } from '#shared/database/listen.ts'
import { createPool } from '#shared/database/pool.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'
import { startSilentProxy } from '#test/support/silent-proxy.ts'

const log = createLogger({ name: 'test', level: 'silent' })
const soon = { timeout: 20_000, interval: 10 }

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

test('a notification is heard when it commits, also after the connection was lost', async () => {
  const pool = createPool(database.url, { size: 1, name: 'the listener', log })
  let news = 0
  const onNews = () => {
    news++
  }
  const stop = startListening({ pool, channel: 'nextrie_items', onNews, log })
  await vi.waitUntil(() => news === 1, soon) // listening has begun

  await database.pool.query(`insert into items (item_key) values ('a')`)
  await vi.waitUntil(() => news === 2, soon)
  await database.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'the listener'`
  )
  await vi.waitUntil(() => news === 3, soon) // listening again
  await database.pool.query(
    `update items set is_visible = false, version = nextval('item_versions')`
  )
  await vi.waitUntil(() => news === 4, soon)

  await stop()
  await pool.end()
})

test('a connection that goes silent is made anew, and one that is silent can be given back', async () => {
  const proxy = await startSilentProxy(database.url)
  const pool = createPool(proxy.url, { size: 1, log })
  let news = 0
  const onNews = () => {
    news++
  }
  const stop = startListening({ pool, channel: 'nextrie_items', onNews, log, probeMs: 300 })
  await vi.waitUntil(() => news === 1, soon)

  proxy.silenceOpen()
  await vi.waitUntil(() => news === 2, soon) // listening again
  await database.pool.query(`insert into items (item_key) values ('unheard before')`)
  await vi.waitUntil(() => news === 3, soon)

  proxy.silenceOpen()
  await stop()
  await pool.end()
  await proxy.close()
})

test('versions of the catalogue commit in their order', async () => {
  const [slow, fast] = [await database.pool.connect(), await database.pool.connect()]
  await slow.query('begin')
  await slow.query(`insert into items (item_key) values ('slow')`)
  const inserted = fast.query(`insert into items (item_key) values ('fast') returning version`)
  const waiting = () =>
    database.pool.query(`select from pg_stat_activity where wait_event_type = 'Lock'`)

  await vi.waitUntil(async () => (await waiting()).rowCount === 1, soon)
  await slow.query('commit')
  await inserted

  const { rows } = await database.pool.query(
    `select item_key from items where item_key in ('slow', 'fast') order by version`
  )
  expect(rows.map(({ item_key }) => item_key)).toEqual(['slow', 'fast'])
  slow.release()
  fast.release()
})

test('a connection that was listened on is given back as it was', async () => {
  const pool = createPool(database.url, { size: 1, name: 'a listener that stops', log })
  const listenersOf = async () => {
    const client = await pool.connect()
    const counts = ['error', 'end', 'notification'].map(name => client.listenerCount(name))
    client.release()
    return counts
  }
  const before = await listenersOf()
  let news = 0
  const onNews = () => {
    news++
  }

  const stop = startListening({ pool, channel: 'nextrie_items', onNews, log })
  await vi.waitUntil(() => news === 1, soon)
  await stop()

  expect(await listenersOf()).toEqual(before)
  await pool.end()
})
