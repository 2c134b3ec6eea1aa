// Rejected messages for the dead-letter topic: key, value and headers as they came, and four more
// headers that say why and from where.
import type { IHeaders, KafkaMessage } from 'kafkajs'
import type { DeadLetter } from '#shared/eventlog/dead-letters.ts'
import type { OutgoingMessage } from '#shared/messaging/producer.ts'
import type { Logger } from '#shared/runtime/logging.ts'
import type { Batch } from './consumer.ts'
import type { KafkaClient } from './kafka-client.ts'

/** A batch is one request, and Kafka limits its size; the messages in it were each below that. */
const requestBytes = 262_144

/** What is kept of a message that was not accepted. */
export function toDeadLetter(
  { topic, partition }: Batch,
  { offset, key, value, headers = {} }: KafkaMessage,
  reason: string
): DeadLetter {
  return {
    topic,
    partition,
    offset: Number(offset),
    key,
    payload: value,
    headers: toBytes(headers),
    reason
  }
}

/**
 * Sends dead letters and waits until Kafka has them. One that the topic finds too large, now that it
 * has more headers, is kept in Postgres alone: it must not stop the messages behind it.
 */
export async function sendDeadLetters(
  { kafka, topic, log }: { kafka: KafkaClient; topic: string; log: Logger },
  letters: readonly DeadLetter[]
): Promise<void> {
  for (const request of inRequests(letters)) {
    if (await kafka.send(topic, request.map(toMessage))) continue
    for (const letter of request) {
      if (await kafka.send(topic, [toMessage(letter)])) continue
      const { topic: from, partition, offset } = letter
      log.error(
        { from, partition, offset },
        'dead letter too large for its topic, kept in Postgres'
      )
    }
  }
}

function inRequests(letters: readonly DeadLetter[]): DeadLetter[][] {
  const requests: DeadLetter[][] = []
  let room = 0
  for (const letter of letters) {
    const size = (letter.payload?.length ?? 0) + (letter.key?.length ?? 0)
    if (size > room || requests.length === 0) {
      requests.push([])
      room = requestBytes
    }
    requests.at(-1)!.push(letter)
    room -= size
  }
  return requests
}

function toMessage(letter: DeadLetter): OutgoingMessage {
  const headers = {
    ...letter.headers,
    'nextrie-reason': [Buffer.from(letter.reason)],
    'nextrie-topic': [Buffer.from(letter.topic)],
    'nextrie-partition': [Buffer.from(String(letter.partition))],
    'nextrie-offset': [Buffer.from(String(letter.offset))]
  }
  return { key: letter.key, value: letter.payload, headers }
}

/** kafkajs gives a repeated header as an array, and one without a value as null. */
function toBytes(headers: IHeaders): DeadLetter['headers'] {
  const all = Object.entries(headers).map(([name, values]) => [
    name,
    [values ?? null].flat().map(value => (value === null ? null : Buffer.from(value)))
  ])
  return Object.fromEntries(all)
}
