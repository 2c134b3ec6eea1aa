import { pino } from 'pino'
import { expect, test, vi } from 'vitest'
import { pollMs, startPolling } from '#services/serving/polling.ts'
import { gate, silent } from './serving-app.ts'

test('what no notification tells is looked for well within the two seconds that are promised', () => {
  expect(pollMs).toBeLessThanOrEqual(1000)
})

test('looks are repeated, also after one that failed', async () => {
  const look = vi.fn(async () => undefined).mockRejectedValueOnce(new Error('away'))

  const stop = startPolling({ subject: 'test', everyMs: 1, look, log: silent })
  await vi.waitUntil(() => look.mock.calls.length >= 3)
  await stop()
})

test('a look at a schema that nobody has brought up to date tells how to, once', async () => {
  const lines: string[] = []
  const log = pino({}, { write: line => void lines.push(line) })
  const missing = Object.assign(new Error('relation "releases" does not exist'), { code: '42P01' })
  const look = vi.fn().mockRejectedValue(missing)

  const stop = startPolling({ subject: 'test', everyMs: 1, look, log })
  await vi.waitUntil(() => look.mock.calls.length >= 3)
  await stop()

  expect(lines).toHaveLength(1)
  expect(lines[0]).toContain('run `npx nextrie migrate`')
})

test('stopping waits for the look that is under way, and no other follows', async () => {
  const started = gate()
  const finish = gate()
  let finished = 0
  const look = async () => {
    started.open()
    await finish.opened
    finished++
  }

  const stop = startPolling({ subject: 'test', everyMs: 1, look, log: silent })
  await started.opened
  const stopped = stop()
  finish.open()
  await stopped

  expect(finished).toBe(1)
})
