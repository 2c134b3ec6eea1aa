import { expect, test } from 'vitest'
import { endsConnection, retryDelayMs } from '#shared/database/retry-delay.ts'
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

test.each([
  ['a server where nobody may write', '25006', true],
  ['a transaction that was silent for too long', '25P03', true],
  ['a server that shuts down', '57P01', true],
  ['a deadlock', '40P01', false],
  ['a statement that was cancelled', '57014', false]
])('after %s a connection is of no more use, or is: %s %s', (_, code, ends) => {
  const cause = Object.assign(new Error('no'), { code })

  expect(endsConnection(cause)).toBe(ends)
  expect(endsConnection(new RecommenderError('DATABASE_UNAVAILABLE', 'no', { cause }))).toBe(ends)
})
