import { describe, expect, test } from 'vitest'
import { retry } from '#shared/database/retry.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { createLogger } from '#shared/runtime/logging.ts'

const log = createLogger({ name: 'test', level: 'silent' })
const deadlock = Object.assign(new Error('deadlock detected'), { code: '40P01' })
const syntaxError = Object.assign(new Error('syntax error'), { code: '42601' })

describe('work that failed', () => {
  test('is tried again while its failure is one that passes', async () => {
    const work = failing(deadlock, deadlock)

    expect(await retry(work.run, { isWanted: () => true, log })).toBe('done')
    expect(work.attempts()).toBe(3)
  })

  test('is tried again when the failure says that it may be', async () => {
    const work = failing(new RecommenderError('KAFKA_UNAVAILABLE', 'away', { canRetry: true }))

    expect(await retry(work.run, { isWanted: () => true, log })).toBe('done')
  })

  test('is not tried again when that would not help', async () => {
    const work = failing(syntaxError)

    await expect(retry(work.run, { isWanted: () => true, log })).rejects.toBe(syntaxError)
    expect(work.attempts()).toBe(1)
  })

  test('is not tried again when nobody wants it any longer', async () => {
    const work = failing(deadlock)

    await expect(retry(work.run, { isWanted: () => false, log })).rejects.toBe(deadlock)
    expect(work.attempts()).toBe(1)
  })
})

function failing(...failures: Error[]) {
  let attempts = 0
  const run = async () => {
    attempts++
    const failure = failures.shift()
    if (failure) throw failure
    return 'done'
  }
  return { run, attempts: () => attempts }
}
