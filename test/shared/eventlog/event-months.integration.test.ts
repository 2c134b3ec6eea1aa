import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { withTransaction } from '#shared/database/pool.ts'
import { appendEvents } from '#shared/eventlog/append-events.ts'
import { keepMonths } from '#shared/eventlog/event-months.ts'
import { countWrongTails, readSessionTail, rebuildTails } from '#shared/eventlog/session-tails.ts'
import type { Event } from '#shared/events/event.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'

let database: TestDatabase
const dayMs = 86_400_000

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())
beforeEach(async () => {
  await database.pool.query('truncate events, session_tails restart identity')
  for (const name of await monthsThere()) await database.pool.query(`drop table ${name}`)
})

describe('the months of the log', () => {
  test('are made for this month and the three to come, once', async () => {
    const first = await keepMonths(database.pool)
    const again = await keepMonths(database.pool)

    expect(first.made).toEqual([0, 1, 2, 3].map(monthFromNow))
    expect(again).toEqual({ made: [], dropped: [] })
  })

  test('are made by several programs at once without a fault', async () => {
    const made = await Promise.all([1, 2, 3].map(() => keepMonths(database.pool)))

    expect(made.flatMap(each => each.made).sort()).toEqual([0, 1, 2, 3].map(monthFromNow))
  })

  test('take events of their time; older ones and later ones are kept as well', async () => {
    await keepMonths(database.pool)

    await append([event('old', 1970), event('now'), event('far', 2999)])

    expect(await partitionsOf()).toEqual({
      old: 'events_other',
      now: nameOf(0),
      far: 'events_other'
    })
    expect(await append([event('old', 1970), event('now'), event('far', 2999)])).toBe(3)
  })

  test('that turn up among the others get a partition, and their events move there', async () => {
    const lastMonth = new Date(Date.parse(monthFromNow(-1)) + dayMs)
    await append([at('a', lastMonth), event('older', 2008)])

    const { made } = await keepMonths(database.pool)

    expect(made).toContain(monthFromNow(-1))
    expect(await partitionsOf()).toEqual({ a: nameOf(-1), older: 'events_other' })
    expect(await append([at('a', lastMonth)])).toBe(1)
  })
})

describe('an event is known by its id', () => {
  test('within its month, whatever the rest of it', async () => {
    await append([at('a', new Date('2026-03-01T00:00:00Z'))])

    expect(await append([at('a', new Date('2026-03-31T23:59:59Z'))])).toBe(1)
    expect(await append([at('a', new Date('2026-04-01T00:00:00Z'))])).toBe(0)
  })
})

describe('retention', () => {
  test('drops months that are older as a whole, and what the tails hold of them', async () => {
    const start = Date.parse(monthFromNow(0))
    const [before, after] = [new Date(start - 70 * dayMs), new Date(start)]
    await append([
      { ...at('gone', before), sessionId: 's-gone' },
      { ...at('old', before), sessionId: 's-both' },
      { ...at('new', after), sessionId: 's-both' },
      { ...event('ancient', 1999), sessionId: 's-gone' }
    ])
    await keepMonths(database.pool)

    const { dropped } = await keepMonths(database.pool, 32)

    expect(dropped).toHaveLength(1)
    expect(Object.keys(await partitionsOf())).toEqual(['new'])
    expect(await readSessionTail(database.pool, 's-gone')).toBeUndefined()
    expect(await readSessionTail(database.pool, 's-both')).toMatchObject({
      events: [{ id: 'new' }]
    })
    expect(await countWrongTails(database.pool)).toBe(0)
  })

  test.each([1, 50])(
    'leaves no visitor in a tail of whom the log knows no more: %i',
    async count => {
      const start = Date.parse(monthFromNow(0))
      const old = at('old', new Date(start - 70 * dayMs))
      const young = Array.from({ length: count }, (_, i) => at(`new-${i}`, new Date(start)))
      for (const sessionId of ['s-1', 's-2']) {
        await append([
          { ...old, id: sessionId, sessionId, visitorId: 'bob' },
          ...young.map(each => ({ ...each, id: `${sessionId} ${each.id}`, sessionId }))
        ])
      }
      await withTransaction(database.pool, connection => rebuildTails(connection, ['s-2']))
      await keepMonths(database.pool)

      await keepMonths(database.pool, 32)

      const { rows } = await database.pool.query(
        'select visitor_id, event_count from session_tails'
      )
      expect(rows).toEqual([1, 2].map(() => ({ visitor_id: null, event_count: count })))
      expect(await countWrongTails(database.pool)).toBe(0)
    }
  )

  test('that is broken off leaves the tails as the log is', async () => {
    const start = Date.parse(monthFromNow(0))
    const [first, second] = [new Date(start - 100 * dayMs), new Date(start - 70 * dayMs)]
    await append([
      { ...at('first', first), sessionId: 's-both' },
      { ...at('second', second), sessionId: 's-both' },
      { ...at('new', new Date(start)), sessionId: 's-both' }
    ])
    await keepMonths(database.pool)
    const { second: name } = await partitionsOf()
    await database.pool.query(`create view in_the_way as select from ${name}`)

    const broken = keepMonths(database.pool, 32)

    await expect(broken).rejects.toThrow(name)
    expect(Object.keys(await partitionsOf())).toEqual(['second', 'new'])
    expect(await countWrongTails(database.pool)).toBe(0)
    await database.pool.query('drop view in_the_way')
  })

  test('keeps a month of which a day is still young enough', async () => {
    const lastDay = new Date(Date.parse(monthFromNow(0)) - 1)
    await append([at('a', lastDay)])
    await keepMonths(database.pool)

    const daysAgo = Math.ceil((Date.now() - lastDay.getTime()) / dayMs)
    await keepMonths(database.pool, daysAgo)

    expect(Object.keys(await partitionsOf())).toEqual(['a'])
  })

  test('keeps everything when it is not asked for', async () => {
    await append([event('ancient', 1999)])

    await keepMonths(database.pool)

    expect(Object.keys(await partitionsOf())).toEqual(['ancient'])
  })
})

/** @returns how many of them were known. */
async function append(events: readonly Event[]): Promise<number> {
  const append = withTransaction(database.pool, connection => appendEvents(connection, events))
  return (await append).duplicates
}

async function partitionsOf(): Promise<Record<string, string>> {
  const { rows } = await database.pool.query(
    'select event_id, tableoid::regclass::text as name from events order by position'
  )
  return Object.fromEntries(rows.map(row => [row.event_id, row.name]))
}

async function monthsThere(): Promise<string[]> {
  const { rows } = await database.pool.query(
    `select inhrelid::regclass::text as name from pg_inherits
     where inhparent = 'events'::regclass and inhrelid::regclass::text <> 'events_other'`
  )
  return rows.map(row => row.name)
}

function monthFromNow(months: number): string {
  const now = new Date()
  const first = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + months, 1))
  return first.toISOString().slice(0, 10)
}

function nameOf(months: number): string {
  return `events_${monthFromNow(months).slice(0, 7).replace('-', '_')}`
}

function event(id: string, year?: number): Event {
  return at(id, year === undefined ? new Date() : new Date(Date.UTC(year, 5, 15)))
}

function at(id: string, occurredAt: Date): Event {
  return { id, type: 'click', occurredAt, sessionId: 's-1', itemKey: 'A13', properties: {} }
}
