import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cutSessions, type SessionEvent } from '#shared/sessions/cut-sessions.ts'
import { clickTypes, type Session } from '#shared/sessions/session.ts'

const gapMinutes = 30

test('a gap longer than thirty minutes starts a new session, one of thirty does not', () => {
  const events = [click('a', 0), click('b', 30), click('c', 60.1), click('d', 61)]

  const sessions = cutSessions(events, { gapMinutes })

  expect(sessions.map(keysOf)).toEqual([
    ['a', 'b'],
    ['c', 'd']
  ])
  expect(sessions.map(({ sessionId }) => sessionId)).toEqual(['s-1', 's-1'])
})

test('a click that was logged late stands where it happened', () => {
  const events = [click('a', 0), click('c', 40), click('b', 20)]

  const sessions = cutSessions(events, { gapMinutes })

  expect(sessions.map(keysOf)).toEqual([['a', 'b', 'c']])
})

test('of two clicks at one time the one that was logged first is first', () => {
  const events = [click('z', 5), click('a', 5), click('m', 5), click('first', 0)]

  const [session] = cutSessions(events, { gapMinutes })

  expect(keysOf(session!)).toEqual(['first', 'z', 'a', 'm'])
})

test('views, clicks, carts and purchases are clicks, and keep their type and time', () => {
  const events = clickTypes.map((type, minute) => click('a', minute, { type }))

  const [session] = cutSessions(events, { gapMinutes })

  expect(session!.clicks).toEqual([
    { itemKey: 'a', type: 'view', at: 0 },
    { itemKey: 'a', type: 'click', at: 60_000 },
    { itemKey: 'a', type: 'cart', at: 120_000 },
    { itemKey: 'a', type: 'purchase', at: 180_000 }
  ])
})

test('impressions and dislikes are no clicks, and do not bridge a gap', () => {
  const events = [
    click('a', 0),
    click('b', 20, { type: 'dislike' }),
    click('c', 30, { type: 'impression', itemKey: undefined }),
    click('d', 40)
  ]

  const sessions = cutSessions(events, { gapMinutes })

  expect(sessions.map(keysOf)).toEqual([['a'], ['d']])
})

test('visitors are kept apart, and sessions come in the order of their first click', () => {
  const events = [
    click('a1', 10, { sessionId: 'a' }),
    click('b1', 5, { sessionId: 'b' }),
    click('a2', 12, { sessionId: 'a' }),
    click('b2', 90, { sessionId: 'b' })
  ]

  const sessions = cutSessions(events, { gapMinutes })

  expect(sessions.map(keysOf)).toEqual([['b1'], ['a1', 'a2'], ['b2']])
})

test('no events, and events that are no clicks, give no session', () => {
  expect(cutSessions([], { gapMinutes })).toEqual([])
  expect(cutSessions([click('a', 0, { type: 'dislike' })], { gapMinutes })).toEqual([])
})

test('with a gap of 0 no pause cuts a session: its id alone does', () => {
  const events = [
    click('a', 0),
    click('b', 100_000),
    click('c', 1, { sessionId: 's-2' }),
    click('d', 1_000_000)
  ]

  expect(cutSessions(events, { gapMinutes: 0 }).map(keysOf)).toEqual([['a', 'b', 'd'], ['c']])
})

test('every click stands in one session, and no session holds a longer gap', () => {
  const someClick = fc.record({ minute: fc.nat(300), sessionId: fc.constantFrom('a', 'b', 'c') })

  fc.assert(
    fc.property(fc.array(someClick, { maxLength: 40 }), drawn => {
      const events = drawn.map(({ minute, sessionId }, i) => click(`${i}`, minute, { sessionId }))

      const sessions = cutSessions(events, { gapMinutes })

      expect(sessions.flatMap(keysOf).sort()).toEqual(events.map(({ itemKey }) => itemKey).sort())
      expect(Math.max(0, ...sessions.flatMap(gapsOf))).toBeLessThanOrEqual(gapMinutes * 60_000)
    })
  )
})

function click(itemKey: string, minute: number, facts: Partial<SessionEvent> = {}): SessionEvent {
  const occurredAt = new Date(minute * 60_000)
  return { sessionId: 's-1', type: 'click', itemKey, occurredAt, ...facts }
}

function keysOf({ clicks }: Session): string[] {
  return clicks.map(({ itemKey }) => itemKey)
}

function gapsOf({ clicks }: Session): number[] {
  return clicks.slice(1).map(({ at }, i) => at - clicks[i]!.at)
}

test('of two sessions that start at one time the id decides, in whatever order they were logged', () => {
  const [first, second] = ['a', 'b'].map(sessionId => ({
    sessionId,
    type: 'click',
    itemKey: 'x',
    occurredAt: new Date(0)
  }))
  const idsOf = (events: SessionEvent[]) =>
    cutSessions(events, { gapMinutes: 30 }).map(({ sessionId }) => sessionId)

  expect(idsOf([first!, second!])).toEqual(['a', 'b'])
  expect(idsOf([second!, first!])).toEqual(['a', 'b'])
})
