// The migration that gave the log its months: what an older version has logged goes on as it was.
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { migrate } from '#shared/database/migrate.ts'
import { withTransaction } from '#shared/database/pool.ts'
import { appendEvents } from '#shared/eventlog/append-events.ts'
import { lastPosition, readEvents } from '#shared/eventlog/read-events.ts'
import { countWrongTails, readSessionTail } from '#shared/eventlog/session-tails.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { createEmptyDatabase, type TestDatabase } from '#test/support/postgres.ts'

const log = createLogger({ name: 'test', level: 'silent' })
let database: TestDatabase
let older: string

beforeAll(async () => {
  database = await createEmptyDatabase()
  older = await mkdtemp(join(tmpdir(), 'nextrie-migrations-'))
  for (const file of (await readdir('migrations')).filter(name => /^000[1-4]-/.test(name))) {
    await cp(join('migrations', file), join(older, file))
  }
})
afterAll(async () => {
  await database.drop()
  await rm(older, { recursive: true })
})

test('events, positions, duplicates and tails of an older log are kept', async () => {
  const { pool } = database
  await migrate(pool, older, log)
  await pool.query(
    String.raw`insert into events (event_id, type, session_id, visitor_id, item_key, occurred_at, properties)
     values ('a', 'click', 's-1', 'v-1', 'A\13', '2008-04-01T00:00:00Z', '{"value": 1}'),
            ('b', 'click', 's-1', null, 'A13', now(), '{}'),
            ('c', 'impression', 's-1', null, null, now() - interval '40 days', '{}')`
  )

  await migrate(pool, 'migrations', log)

  const now = new Date()
  const again = {
    id: 'b',
    type: 'click',
    sessionId: 's-1',
    itemKey: 'A13',
    properties: {}
  } as const
  const outcome = await withTransaction(pool, connection =>
    appendEvents(connection, [
      { ...again, occurredAt: now },
      { ...again, id: 'd', occurredAt: now }
    ])
  )
  const upTo = await lastPosition(pool)
  const events = []
  for await (const batch of readEvents(pool, { after: 0, upTo })) events.push(...batch)
  expect(outcome).toEqual({ appended: 1, duplicates: 1 })
  expect(events.map(({ id }) => id)).toEqual(['a', 'b', 'c', 'd'])
  expect(events.map(({ position }) => position)).toEqual([1, 2, 3, upTo])
  expect(upTo).toBeGreaterThan(3)
  expect(events[0]).toMatchObject({ visitorId: 'v-1', itemKey: 'A\\13', properties: { value: 1 } })
  expect(await countWrongTails(pool)).toBe(0)
  expect(
    (await readSessionTail(pool, 's-1'))!.events.map(({ id, itemKey }) => [id, itemKey])
  ).toEqual([
    ['a', 'A\\13'],
    ['b', 'A13'],
    ['d', 'A13']
  ])
})
