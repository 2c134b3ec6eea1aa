import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { withTransaction } from '#shared/database/pool.ts'
import { type AppendOutcome, appendEvents } from '#shared/eventlog/append-events.ts'
import { forgetVisitor } from '#shared/eventlog/forget-visitor.ts'
import { type LoggedEvent, lastPosition, readEvents } from '#shared/eventlog/read-events.ts'
import { countWrongTails, readSessionTail } from '#shared/eventlog/session-tails.ts'
import { checkEvent } from '#shared/events/decode-event.ts'
import { type Event, eventTypes } from '#shared/events/event.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())
beforeEach(async () => {
  await database.pool.query('truncate events, session_tails restart identity')
})

describe('appending', () => {
  test('keeps every event as it is, in the order given', async () => {
    const events = [
      event('a', { visitorId: 'v-1' }),
      event('b', { type: 'purchase', properties: { value: 19.9, context: { page: 'cart' } } }),
      impression('c', ['A1', 'A2'])
    ]

    const outcome = await append(events)

    const logged = await readAll()
    expect(outcome).toEqual({ appended: 3, duplicates: 0 })
    expect(logged).toMatchObject(events)
    expect(logged.map(each => each.position)).toEqual([1, 2, 3])
  })

  test('counts an event that the log has, or that comes twice at once, as a duplicate', async () => {
    await append([event('a')])

    const outcome = await append([event('b'), event('a'), event('b', { itemKey: 'other' })])

    expect(outcome).toEqual({ appended: 1, duplicates: 2 })
    expect((await readAll()).map(each => [each.id, each.itemKey])).toEqual([
      ['a', 'A13'],
      ['b', 'A13']
    ])
  })

  test('keeps times to the millisecond, in the log and in the tail, however close they are', async () => {
    const texts = [
      '2026-03-01T09:30:00.007Z',
      '2026-03-01T09:30:00.060Z',
      '2026-03-01T09:30:00.500Z'
    ]
    const times = [...texts, '2026-03-01T09:30:01.000Z', '1970-01-01T00:00:00.001Z']
    await append(times.map(time => event(time, { occurredAt: new Date(time) })))

    expect((await readAll()).map(each => each.occurredAt.toISOString())).toEqual(times)
    expect(await tailRows()).toEqual(await tailsFromLog())
  })

  test('of nothing does nothing', async () => {
    expect(await append([])).toEqual({ appended: 0, duplicates: 0 })
  })

  test('leaves neither event nor tail when its transaction fails', async () => {
    const failing = withTransaction(database.pool, async connection => {
      await appendEvents(connection, [event('a')])
      throw new Error('later in the transaction')
    })

    await expect(failing).rejects.toThrow('later')
    expect(await readAll()).toEqual([])
    expect(await tailRows()).toEqual([])
  })

  test('takes every event that the check lets through, and gives it back unchanged', async () => {
    const wildText = fc.string({ unit: 'binary', minLength: 1, maxLength: 200 })
    const wildMessage = fc.record({
      id: wildText,
      type: fc.constantFrom(...eventTypes),
      time: fc
        .date({ min: new Date(0), max: new Date('9999-12-31'), noInvalidDate: true })
        .map(date => date.toISOString()),
      session: wildText,
      visitor: wildText,
      item: wildText,
      items: fc.array(wildText, { maxLength: 3 }),
      more: fc.jsonValue()
    })
    const batch = fc.uniqueArray(wildMessage, { selector: ({ id }) => id, maxLength: 20 })

    await fc.assert(
      fc.asyncProperty(batch, async messages => {
        await database.pool.query('truncate events, session_tails')
        const events = messages
          .map(event => checkEvent(event))
          .flatMap(each => ('event' in each ? [each.event] : []))
        await append(events)
        expect(await readAll()).toMatchObject(events)
      }),
      { numRuns: 30 }
    )
  })
})

test('of many appends at once, a reader that has seen a position misses none before it', async () => {
  const seen: number[] = []
  let isDone = false
  const follow = async () => {
    for (let isLast = false; !isLast; ) {
      isLast = isDone
      for (const each of await readAll(seen.at(-1))) seen.push(each.position)
    }
  }
  const following = follow()

  const batches = Array.from({ length: 40 }, (_, batch) =>
    Array.from({ length: 5 }, (_, index) => event(`${batch}-${index}`))
  )
  await Promise.all(batches.map(append))
  isDone = true
  await following

  expect(seen).toEqual((await readAll()).map(each => each.position))
  expect(seen).toHaveLength(200)
})

test('appends of the same sessions and events at once lose, double and spoil nothing', async () => {
  const batches = Array.from({ length: 40 }, (_, batch) => {
    const events = Array.from({ length: 500 }, (_, i) => {
      const occurredAt = new Date(Date.UTC(2026, 2, 1, 9, (batch + i) % 7))
      return event(`e${(batch % 20) * 400 + i}`, { sessionId: `s-${i}`, occurredAt })
    })
    return batch % 2 === 0 ? events : events.reverse()
  })

  const outcomes = await Promise.all(batches.map(append))

  const counted = outcomes.map(outcome => outcome.appended)
  const ids = (await readAll()).map(each => each.id)
  expect(ids).toHaveLength(counted.reduce((sum, count) => sum + count, 0))
  expect(new Set(ids).size).toBe(ids.length)
  expect(new Set(ids)).toEqual(new Set(batches.flat().map(each => each.id)))
  expect(await countWrongTails(database.pool)).toBe(0)
  expect(await deadlocks()).toBe(0)
})

test('appends and erasures of one session wait for each other, and none has to be ended', async () => {
  const visits = Array.from({ length: 40 }, (_, i) => [event(`e${i}`, { visitorId: 'v-1' })])

  await Promise.all(visits.flatMap(visit => [append(visit), forgetVisitor(database.pool, 'v-1')]))

  expect(await countWrongTails(database.pool)).toBe(0)
  expect(await deadlocks()).toBe(0)
})

describe('the tail of a session', () => {
  test('is what the log says, whatever comes in whatever order and however often', async () => {
    const someEvent = fc.record({
      id: fc.nat(150).map(String),
      sessionId: fc.constantFrom('s-1', 's-2', 's-3'),
      type: fc.constantFrom(...eventTypes),
      minute: fc.nat(40)
    })
    const batches = fc.array(fc.array(someEvent, { maxLength: 60 }), { maxLength: 5 })

    await fc.assert(
      fc.asyncProperty(batches, async sent => {
        await database.pool.query('truncate events, session_tails')
        for (const batch of sent) await append(batch.map(toEvent))
        expect(await countWrongTails(database.pool)).toBe(0)
        expect(await tailRows()).toEqual(await tailsFromLog())
      }),
      { numRuns: 25 }
    )
  })

  test('has no impressions', async () => {
    await append([event('a'), impression('b', ['A1'])])

    expect(await readSessionTail(database.pool, 's-1')).toMatchObject({ events: [{ id: 'a' }] })
  })

  test('names the last visitor that an event named', async () => {
    await append([event('a', { visitorId: 'v-1' })])
    await append([event('b')])

    expect(await tailRows()).toMatchObject([{ visitor_id: 'v-1' }])
  })
})

/** How often Postgres had to end a transaction of this database so that others could go on. */
async function deadlocks(): Promise<number> {
  const { rows } = await database.pool.query(
    'select deadlocks from pg_stat_database where datname = current_database()'
  )
  return rows[0].deadlocks
}

function append(events: readonly Event[]): Promise<AppendOutcome> {
  return withTransaction(database.pool, connection => appendEvents(connection, events))
}

async function readAll(after = 0): Promise<LoggedEvent[]> {
  const upTo = await lastPosition(database.pool)
  const events: LoggedEvent[] = []
  for await (const batch of readEvents(database.pool, { after, upTo })) events.push(...batch)
  return events
}

async function tailRows() {
  const { rows } = await database.pool.query(
    'select session_id, visitor_id, events from session_tails order by session_id'
  )
  return rows
}

/** The same tails, computed from nothing but the log. */
async function tailsFromLog() {
  const { rows } = await database.pool.query(
    'select session_id, visitor_id, events from events_tails order by session_id'
  )
  return rows
}

interface Sketch {
  readonly id: string
  readonly sessionId: string
  readonly type: Event['type']
  readonly minute: number
}

function toEvent({ id, sessionId, type, minute }: Sketch): Event {
  return event(id, { sessionId, type, occurredAt: new Date(Date.UTC(2026, 2, 1, 9, minute)) })
}

function event(id: string, facts: Partial<Event> = {}): Event {
  return {
    id,
    type: 'click',
    occurredAt: new Date('2026-03-01T09:30:00.123Z'),
    sessionId: 's-1',
    itemKey: 'A13',
    properties: {},
    ...facts
  }
}

function impression(id: string, items: readonly string[]): Event {
  const { itemKey: _, ...shown } = event(id, { type: 'impression', properties: { items } })
  return shown
}
