import { expect, test } from 'vitest'
import { createStages } from '#services/nextrie/stages.ts'

function setUp() {
  const lines: string[] = []
  const interruption = new AbortController()
  const stages = createStages(line => lines.push(line), interruption.signal)
  return { lines, interruption, stages }
}

test('a stage is one line with its outcome and its time', async () => {
  const { lines, stages } = setUp()

  const result = await stages.run('schema', async tell => {
    tell('up to date')
    return 3
  })

  expect(result).toBe(3)
  expect(lines).toEqual([expect.stringMatching(/^schema {4}up to date \(0\.\d s\)$/)])
})

test('what was opened last is closed first, also when a close fails', async () => {
  const { stages } = setUp()
  const closed: string[] = []
  stages.onClose(async () => closed.push('database'))
  stages.onClose(async () => {
    throw new Error('will not close')
  })
  stages.onClose(async () => closed.push('serving'))

  await expect(stages.close()).rejects.toThrow('will not close')

  expect(closed).toEqual(['serving', 'database'])
})

test('no stage begins after an interruption', async () => {
  const { lines, interruption, stages } = setUp()
  interruption.abort()

  await expect(stages.run('training', async () => 1)).rejects.toBe(interruption.signal.reason)

  expect(lines).toEqual([])
})
