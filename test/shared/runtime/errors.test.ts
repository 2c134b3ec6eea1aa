import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { errorCodes, RecommenderError } from '#shared/runtime/errors.ts'

const readme = readFileSync(new URL('../../../shared/runtime/README.md', import.meta.url), 'utf8')
const described = [...readme.matchAll(/^\| `([A-Z_]+)` +\|/gm)].map(match => match[1])

test('every code is described in the README, and nothing else is, in the same order', () => {
  expect(described).toEqual([...errorCodes])
})

test('the codes are sorted', () => {
  expect([...errorCodes]).toEqual([...errorCodes].sort())
})

test('an error carries its code, its cause, and that trying again will not help', () => {
  const cause = new Error('disk full')

  const error = new RecommenderError('RELEASE_CORRUPT', 'item-ids.json has another hash', { cause })

  expect(error).toMatchObject({
    name: 'RecommenderError',
    code: 'RELEASE_CORRUPT',
    canRetry: false
  })
  expect(error.cause).toBe(cause)
})

test('an error may say that trying again may help', () => {
  expect(new RecommenderError('OVERLOADED', 'later', { canRetry: true }).canRetry).toBe(true)
})
