// What a live answer reads of a session must be what training makes of it: both cut with one function,
// the one from the log, the other from the tail that is kept beside it.
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sessionClicks } from '#services/serving/session-clicks.ts'
import { withTransaction } from '#shared/database/pool.ts'
import { appendEvents } from '#shared/eventlog/append-events.ts'
import { tailLength } from '#shared/eventlog/merge-tail.ts'
import { lastPosition, readEvents } from '#shared/eventlog/read-events.ts'
import { type Event, eventTypes } from '#shared/events/event.ts'
import { cutSessions } from '#shared/sessions/cut-sessions.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

const drawn = fc.record({
  type: fc.constantFrom(...eventTypes),
  minute: fc.nat(400), // in any order: events come late
  sessionId: fc.constantFrom('a', 'b'),
  item: fc.constantFrom('x', 'y', 'z')
})

type Drawn = typeof drawn extends fc.Arbitrary<infer T> ? T : never

test.each([30, 0])(
  'with a gap of %i minutes, live clicks are the end of what training cuts',
  async gapMinutes => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(drawn, { maxLength: 40 }), { maxLength: 4 }),
        async batches => {
          await database.pool.query('truncate events, session_tails')
          let count = 0
          for (const batch of batches) {
            const events = batch.map(each => toEvent(`e-${count++}`, each))
            await withTransaction(database.pool, connection => appendEvents(connection, events))
          }
          const logged = await readLog()
          const trained = cutSessions(logged, { gapMinutes })

          for (const sessionId of ['a', 'b']) {
            const expected =
              trained.filter(each => each.sessionId === sessionId).at(-1)?.clicks ?? []
            const live = await sessionClicks(database.pool, { sessionId, gapMinutes })
            const inTail = logged.filter(
              each => each.sessionId === sessionId && each.itemKey
            ).length
            if (inTail <= tailLength) expect(live).toEqual(expected)
            else expect(live).toEqual(live.length === 0 ? [] : expected.slice(-live.length))
          }
        }
      ),
      { numRuns: 40 }
    )
  }
)

function toEvent(id: string, { type, minute, sessionId, item }: Drawn): Event {
  const occurredAt = new Date(Date.UTC(2026, 2, 1) + minute * 60_000)
  const what = type === 'impression' ? { properties: { items: [item] } } : { itemKey: item }
  return { id, type, occurredAt, sessionId, properties: {}, ...what }
}

async function readLog(): Promise<Event[]> {
  const events: Event[] = []
  const upTo = await lastPosition(database.pool)
  for await (const batch of readEvents(database.pool, { after: 0, upTo })) events.push(...batch)
  return events
}
