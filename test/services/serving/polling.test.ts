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
