import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openSessions, shareSessions } from '#services/trainer/shared-sessions.ts'
import { tinySession } from '#test/support/tiny-training.ts'

test('sessions come out of shared memory as they went in, empty ones too', () => {
  const session = fc.array(fc.nat(40)).map(items => ({
    ...tinySession(items),
    types: Int32Array.from(items, item => item % 4)
  }))
  fc.assert(
    fc.property(fc.array(session), sessions => {
      expect(openSessions(shareSessions(sessions))).toEqual(sessions)
    })
  )
})

test('all of it is in memory that threads share', () => {
  const shared = shareSessions([tinySession([1, 2, 3])])

  for (const { buffer } of Object.values(shared)) expect(buffer).toBeInstanceOf(SharedArrayBuffer)
})
