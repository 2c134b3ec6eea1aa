import type { KafkaMessage } from 'kafkajs'
import { expect, test } from 'vitest'
import { cutMessages } from '#services/ingestion/cut-messages.ts'

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

function message(bytes: number, offset: number): KafkaMessage {
  const value = Buffer.alloc(bytes)
  return { key: null, value, timestamp: '0', attributes: 0, offset: String(offset), headers: {} }
}
