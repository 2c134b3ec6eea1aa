// Rejected messages for the dead-letter topic: key, value and headers as they came, and four more
// headers that say why and from where.
import type { IHeaders, KafkaMessage } from 'kafkajs'
import type { DeadLetter } from '#shared/eventlog/dead-letters.ts'
import type { OutgoingMessage } from '#shared/messaging/producer.ts'
import type { Logger } from '#shared/runtime/logging.ts'
import type { Batch } from './consumer.ts'
import type { KafkaClient } from './kafka-client.ts'

/** Below the megabyte that topics take, unless told otherwise, of which each message is one part. */
const requestBytes = 512 * 1024
/** What surrounds a message and each of its headers, lengths and numbers, at the most. */
const messageHeadBytes = 40
const headerHeadBytes = 10

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

interface LetterBox {
  readonly kafka: Pick<KafkaClient, 'send'>
  readonly topic: string
  readonly log: Logger
}

/**
 * Sends dead letters and waits until Kafka has them. One that the topic finds too large, now that it
 * has more headers, is kept in Postgres alone: it must not stop the messages behind it.
 */
export async function sendDeadLetters(
  box: LetterBox,
  letters: readonly DeadLetter[]
): Promise<void> {
  for (const request of inRequests(letters)) await send(box, request)
}

/** What is refused as too large is sent in halves: few more requests, also where a topic takes little. */
async function send(box: LetterBox, request: readonly Addressed[]): Promise<void> {
  const messages = request.map(({ message }) => message)
  if (await box.kafka.send(box.topic, messages)) return
  if (request.length > 1) {
    const half = Math.ceil(request.length / 2)
    await send(box, request.slice(0, half))
    await send(box, request.slice(half))
    return
  }
  const { topic: from, partition, offset } = request[0]!.letter
  box.log.error(
    { from, partition, offset },
    'dead letter too large for its topic, kept in Postgres'
  )
}

interface Addressed {
  readonly letter: DeadLetter
  readonly message: OutgoingMessage
}

function inRequests(letters: readonly DeadLetter[]): Addressed[][] {
  const requests: Addressed[][] = []
  let room = 0
  for (const letter of letters) {
    const message = toMessage(letter)
    const size = sizeOf(message)
    if (size > room || requests.length === 0) {
      requests.push([])
      room = requestBytes
    }
    requests.at(-1)!.push({ letter, message })
    room -= size
  }
  return requests
}

function sizeOf({ key, value, headers = {} }: OutgoingMessage): number {
  let size = messageHeadBytes + Buffer.byteLength(key ?? '') + Buffer.byteLength(value ?? '')
  for (const [name, values] of Object.entries(headers)) {
    for (const each of values) {
      size += headerHeadBytes + Buffer.byteLength(name) + (each?.length ?? 0)
    }
  }
  return size
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
