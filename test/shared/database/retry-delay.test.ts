import { expect, test } from 'vitest'
import { retryDelayMs } from '#shared/database/retry-delay.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'

test.each([
  ['a deadlock', Object.assign(new Error('deadlock detected'), { code: '40P01' })],
  ['a server that is starting', Object.assign(new Error('starting up'), { code: '57P03' })],
  ['a refused connection', Object.assign(new Error(''), { code: 'ECONNREFUSED' })],
  ['a connection cut in mid-query', new Error('Connection terminated unexpectedly')],
  ['a pool that gave no connection', new Error('timeout exceeded when trying to connect')]
])('%s is worth another try', (_, error) => {
  expect(retryDelayMs(error)).toBeGreaterThan(0)
})

test('what caused one of our own errors counts', () => {
  const cause = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })

  expect(retryDelayMs(new RecommenderError('DATABASE_UNAVAILABLE', 'no', { cause }))).toBe(1000)
})

test.each([
  ['a wrong password', Object.assign(new Error('password'), { code: '28P01' })],
  ['a duplicate key', Object.assign(new Error('duplicate'), { code: '23505' })],
  ['a bug', new TypeError('undefined is not a function')],
  ['something that is no error', 'deadlock detected']
])('%s is not', (_, error) => {
  expect(retryDelayMs(error)).toBeUndefined()
})
