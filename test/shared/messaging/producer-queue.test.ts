import { expect, test } from 'vitest'
import type { Producer } from '#shared/messaging/producer.ts'
import { createProducerQueue } from '#shared/messaging/producer-queue.ts'
import { createLogger } from '#shared/runtime/logging.ts'

const log = createLogger({ name: 'test', level: 'silent' })
const kibibyte = 1024
const message = { key: null, value: 'x'.repeat(100 * kibibyte) }

test('while Kafka hangs no more is held than may wait, also when nobody waits any longer', async () => {
  const kafka = hangingKafka()
  const queue = createProducerQueue({
    producer: kafka.producer,
    topic: 'events',
    mostBytes: 1000 * kibibyte,
    patienceMs: 20,
    log
  })

  const first = await Promise.allSettled(Array.from({ length: 20 }, () => queue.send([message])))
  const second = await Promise.allSettled(Array.from({ length: 20 }, () => queue.send([message])))

  expect(codesOf(first)).toEqual({ KAFKA_UNAVAILABLE: 10, OVERLOADED: 10 })
  // Half of the room is the request that hangs; what waited behind it was given up.
  expect(codesOf(second)).toEqual({ KAFKA_UNAVAILABLE: 5, OVERLOADED: 15 })
  expect(kafka.held()).toBe(5)
  await queue.close()
})

function hangingKafka() {
  let held = 0
  const producer: Producer = {
    connect: async () => undefined,
    send: (_, messages) => {
      held += messages.length
      return new Promise(() => undefined)
    },
    close: async () => undefined
  }
  return { producer, held: () => held }
}

function codesOf(outcomes: readonly PromiseSettledResult<unknown>[]): Record<string, number> {
  const codes: Record<string, number> = {}
  for (const outcome of outcomes) {
    const code = outcome.status === 'rejected' ? outcome.reason.code : 'sent'
    codes[code] = (codes[code] ?? 0) + 1
  }
  return codes
}
