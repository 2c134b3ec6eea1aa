import type { KafkaMessage } from 'kafkajs'
import { expect, test } from 'vitest'
import { cutMessages } from '#services/ingestion/cut-messages.ts'
import { lookAtLog } from '#services/ingestion/known-log.ts'

test('a fetch is cut by bytes and by number, in its order', () => {
  const sizes = [4, 4, 4, 30, 1, 1, 1, 1]

  const parts = cutMessages(sizes.map(message), { bytes: 10, messages: 3 })

  expect(parts.map(part => part.map(({ value }) => value!.length))).toEqual([
    [4, 4],
    [4],
    [30],
    [1, 1, 1],
    [1]
  ])
  expect(parts.flat().map(({ offset }) => offset)).toEqual(sizes.map((_, index) => String(index)))
  expect(cutMessages([], { bytes: 10, messages: 3 })).toEqual([])
})

test('a log is known again by the newest message that was committed', () => {
  const last = { offset: 4, timestamp: '1000' }
  const first = (offset: number, timestamp: string) => ({ ...message(1, offset), timestamp })

  expect(lookAtLog(last, 5, first(4, '1000'))).toBe('same')
  expect(lookAtLog(last, 5, first(4, '1001'))).toBe('other')
  expect(lookAtLog(last, 5, first(6, '1001'))).toBe('same') // compacted: nothing can be said
  expect(lookAtLog(last, 5, first(0, '1000'))).toBe('shorter')
  expect(lookAtLog(undefined, 5, first(5, '1'))).toBe('same')
  expect(lookAtLog(undefined, 5, first(4, '1'))).toBe('shorter')
})

function message(bytes: number, offset: number): KafkaMessage {
  const value = Buffer.alloc(bytes)
  return { key: null, value, timestamp: '0', attributes: 0, offset: String(offset), headers: {} }
}
