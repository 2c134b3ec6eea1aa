import fc from 'fast-check'
import { expect, test } from 'vitest'
import { splitByTime } from '#shared/evaluation/time-split.ts'
import type { Session } from '#shared/sessions/session.ts'

const twoDaysEach = { testDays: 2, validationDays: 2 }

test('the last days are the test, those before them validation, whole days in UTC', () => {
  const sessions = [
    session('training', '2026-03-06T23:58Z', '2026-03-06T23:59Z'),
    session('first of validation', '2026-03-07T00:00Z', '2026-03-07T00:01Z'),
    session('last of validation', '2026-03-08T23:50Z', '2026-03-08T23:59Z'),
    session('first of test', '2026-03-09T00:00Z', '2026-03-09T00:01Z'),
    session('last of test', '2026-03-10T00:00Z', '2026-03-10T00:02Z')
  ]

  const split = splitByTime(sessions, twoDaysEach)

  expect(names(split.training)).toEqual(['training'])
  expect(names(split.validation)).toEqual(['first of validation', 'last of validation'])
  expect(names(split.test)).toEqual(['first of test', 'last of test'])
  expect(split.validationFrom).toBe(Date.parse('2026-03-07T00:00Z'))
  expect(split.testFrom).toBe(Date.parse('2026-03-09T00:00Z'))
})

test('a session that runs past a cut loses its later clicks', () => {
  const sessions = [
    session('into validation', '2026-03-06T23:58Z', '2026-03-06T23:59Z', '2026-03-07T00:00Z'),
    session('into test', '2026-03-08T23:59Z', '2026-03-09T00:01Z'),
    session('validation', '2026-03-07T10:00Z', '2026-03-07T10:01Z'),
    session('test', '2026-03-10T12:00Z', '2026-03-10T12:01Z')
  ]

  const split = splitByTime(sessions, twoDaysEach)

  expect(split.training[0]!.clicks).toEqual(sessions[0]!.clicks.slice(0, 2))
  expect(split.validation.map(({ clicks }) => clicks.length)).toEqual([1, 2])
  expect(names(split.test)).toEqual(['test'])
})

test('less than a day is counted back from the last click', () => {
  const sessions = [
    session('training', '2026-03-10T09:00Z', '2026-03-10T09:10Z'),
    session('validation', '2026-03-10T10:30Z', '2026-03-10T10:40Z'),
    session('test', '2026-03-10T11:30Z', '2026-03-10T12:00Z')
  ]
  const oneHour = 1 / 24

  const split = splitByTime(sessions, { testDays: oneHour, validationDays: oneHour })

  expect(names(split.training)).toEqual(['training'])
  expect(names(split.validation)).toEqual(['validation'])
  expect(names(split.test)).toEqual(['test'])
})

test.each([
  ['training', { testDays: 1, validationDays: 30 }],
  ['test', { testDays: 0, validationDays: 1 }],
  ['validation', { testDays: 1, validationDays: 0 }]
])('without a pair of clicks for %s, the error says what to set', (part, holdOut) => {
  const sessions = [
    session('a', '2026-03-08T10:00Z', '2026-03-08T10:01Z'),
    session('b', '2026-03-09T10:00Z', '2026-03-09T10:01Z'),
    session('c', '2026-03-10T10:00Z', '2026-03-10T10:01Z')
  ]

  expect(() => splitByTime(sessions, holdOut)).toThrow(
    expect.objectContaining({
      code: 'LOG_TOO_SHORT',
      message: expect.stringMatching(
        new RegExp(`no ${part} session .* VALIDATION_DAYS and TEST_DAYS`)
      )
    })
  )
})

test('a part whose sessions have one click each teaches nothing, and counts as empty', () => {
  const sessions = [
    session('a', '2026-03-08T10:00Z', '2026-03-08T10:01Z'),
    session('b', '2026-03-09T23:59Z', '2026-03-10T00:01Z'), // its second click is in the test
    session('c', '2026-03-10T10:00Z', '2026-03-10T10:01Z')
  ]

  const split = () => splitByTime(sessions, { testDays: 1, validationDays: 1 })

  expect(split).toThrow(/no validation session has two clicks/)
})

test('an empty log is too short', () => {
  expect(() => splitByTime([], twoDaysEach)).toThrow(
    expect.objectContaining({ code: 'LOG_TOO_SHORT' })
  )
})

test('no training click is as late as a validation click, nor that as late as a test click', () => {
  const minutes = fc.array(fc.nat(6 * 24 * 60), { minLength: 1, maxLength: 6 })
  const start = Date.parse('2026-03-01T00:00Z')

  fc.assert(
    fc.property(fc.array(minutes, { maxLength: 30 }), drawn => {
      const sessions = [
        ...drawn.map(each => sessionAt(each.sort((a, b) => a - b).map(m => start + m * 60_000))),
        // One pair for each part, so that none is empty.
        ...[0, 4, 6].map(day => sessionAt([day, day].map(each => start + each * 86_400_000)))
      ]

      const split = splitByTime(sessions, twoDaysEach)

      expect(timesOf(split.training).every(at => at < split.validationFrom)).toBe(true)
      expect(timesOf(split.validation).every(at => at < split.testFrom)).toBe(true)
      expect(timesOf(split.validation).every(at => at >= split.validationFrom)).toBe(true)
      expect(timesOf(split.test).every(at => at >= split.testFrom)).toBe(true)
      const parts = [split.training, split.validation, split.test].map(({ length }) => length)
      expect(parts.reduce((sum, length) => sum + length)).toBe(sessions.length)
    })
  )
})

function session(sessionId: string, ...times: readonly string[]): Session {
  return { ...sessionAt(times.map(Date.parse)), sessionId }
}

function sessionAt(times: readonly number[]): Session {
  return {
    sessionId: 's',
    clicks: times.map((at, i) => ({ itemKey: `item ${i}`, type: 'click', at }))
  }
}

function names(sessions: readonly Session[]): string[] {
  return sessions.map(({ sessionId }) => sessionId)
}

function timesOf(sessions: readonly Session[]): number[] {
  return sessions.flatMap(({ clicks }) => clicks.map(({ at }) => at))
}
