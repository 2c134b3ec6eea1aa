import { expect, test } from 'vitest'
import { lookAtLog } from '#services/ingestion/known-log.ts'

test('a log is known again by the newest message that was committed', () => {
  const last = { offset: 4, timestamp: '1000' }
  const message = { key: null, value: null, attributes: 0, headers: {} }
  const first = (offset: number, timestamp: string) => ({
    ...message,
    offset: String(offset),
    timestamp
  })

  expect(lookAtLog(last, 5, first(4, '1000'))).toBe('same')
  expect(lookAtLog(last, 5, first(4, '1001'))).toBe('other')
  expect(lookAtLog(last, 5, first(6, '1001'))).toBe('same') // compacted: nothing can be said
  expect(lookAtLog(last, 5, first(0, '1000'))).toBe('shorter')
  expect(lookAtLog(undefined, 5, first(5, '1'))).toBe('same')
  expect(lookAtLog(undefined, 5, first(4, '1'))).toBe('shorter')
})
