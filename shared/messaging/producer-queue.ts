// Sends what many callers hand over at once through one producer, in few requests and bounded memory.
//
//   caller ──► waiting (bounded) ──► one request at a time, as full as there is to send ──► Kafka
//
// One request at a time keeps the order in which messages were handed over, and while it is under way
// the next one fills: the busier, the fewer requests for each message. Whoever finds the queue full is
// told OVERLOADED at once. Whoever has waited for `patienceMs` is told KAFKA_UNAVAILABLE; the messages
// may then have been sent or not, so the caller sends them again, and event ids make that harmless.
import { setTimeout as pause } from 'node:timers/promises'
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { Logger } from '#shared/runtime/logging.ts'
import type { OutgoingMessage, Producer } from './producer.ts'

export interface ProducerQueueOptions {
  readonly producer: Producer
  readonly topic: string
  /** Bytes of messages that may be waiting or under way; more are refused. */
  readonly mostBytes: number
  /** How long a caller waits for Kafka. */
  readonly patienceMs: number
  readonly log: Logger
}

export interface ProducerQueue {
  /**
   * Sends messages in their order.
   *
   * @returns for each message whether Kafka has it; false when it is larger than the topic takes.
   * @throws OVERLOADED when the queue is full, KAFKA_UNAVAILABLE when the brokers did not take them.
   */
  send(messages: readonly OutgoingMessage[]): Promise<boolean[]>
  /** Takes no more, waits for what is under way as long as its callers do, and disconnects. */
  close(): Promise<void>
}

/** Below the megabyte that brokers take, with room for what surrounds the messages. */
const requestBytes = 512 * 1024

interface Entry {
  readonly messages: readonly OutgoingMessage[]
  readonly bytes: number
  /** Set once nobody waits for it any longer. */
  isSettled: boolean
  settle(outcome: boolean[] | Error): void
}

/** Makes a queue; it connects when there is something to send. */
export function createProducerQueue(options: ProducerQueueOptions): ProducerQueue {
  const { producer, topic, mostBytes, patienceMs, log } = options
  const waiting: Entry[] = []
  let bytes = 0
  let isConnected = false
  let isClosed = false
  let working: Promise<void> | undefined

  async function work(): Promise<void> {
    await undefined // so that `working` is set before this can end
    while (waiting.length > 0) {
      const entries = takeRequest(waiting)
      try {
        if (!isConnected) await producer.connect()
        isConnected = true
        for (const [i, outcome] of (await sendAll(entries)).entries()) entries[i]!.settle(outcome)
      } catch (error) {
        log.warn({ err: error, topic }, 'Kafka did not take messages')
        for (const entry of entries) entry.settle(error as Error)
      }
      for (const entry of entries) bytes -= entry.bytes
    }
    working = undefined
  }

  /** What is under way holds its bytes until Kafka's client lets go of it, whoever still waits. */
  function leave(entry: Entry): void {
    const place = waiting.indexOf(entry)
    if (place < 0) return
    waiting.splice(place, 1)
    bytes -= entry.bytes
  }

  /** What a request finds too large is sent again in parts, and at last by itself. */
  async function sendAll(entries: readonly Entry[]): Promise<boolean[][]> {
    if (
      await producer.send(
        topic,
        entries.flatMap(entry => entry.messages)
      )
    ) {
      return entries.map(entry => entry.messages.map(() => true))
    }
    const outcomes: boolean[][] = []
    for (const entry of entries) {
      const outcome: boolean[] = []
      for (const message of entry.messages) outcome.push(await producer.send(topic, [message]))
      outcomes.push(outcome)
    }
    return outcomes
  }

  return {
    send(messages) {
      const size = messages.reduce((sum, message) => sum + sizeOf(message), 0)
      if (isClosed || bytes + size > mostBytes) return Promise.reject(overloaded())
      bytes += size
      return new Promise<boolean[]>((resolve, reject) => {
        const entry: Entry = {
          messages,
          bytes: size,
          isSettled: false,
          settle(outcome) {
            if (entry.isSettled) return
            entry.isSettled = true
            clearTimeout(timer)
            if (outcome instanceof Error) reject(outcome)
            else resolve(outcome)
          }
        }
        const timer = setTimeout(() => {
          leave(entry)
          entry.settle(late(patienceMs))
        }, patienceMs)
        waiting.push(entry)
        working ??= work()
      })
    },
    async close() {
      isClosed = true
      await Promise.race([working, pause(patienceMs, undefined, { ref: false })]) // as its callers
      await producer.close()
    }
  }
}

/** The first entries that fill one request; at least one. */
function takeRequest(waiting: Entry[]): Entry[] {
  const taken: Entry[] = []
  let room = requestBytes
  while (waiting.length > 0 && (taken.length === 0 || waiting[0]!.bytes <= room)) {
    const entry = waiting.shift()!
    taken.push(entry)
    room -= entry.bytes
  }
  return taken
}

function sizeOf({ key, value }: OutgoingMessage): number {
  return Buffer.byteLength(key ?? '') + Buffer.byteLength(value ?? '')
}

function overloaded(): RecommenderError {
  const message = 'more messages wait for Kafka than may wait; send them again a little later'
  return new RecommenderError('OVERLOADED', message, { canRetry: true })
}

function late(patienceMs: number): RecommenderError {
  const message = `Kafka did not take the messages within ${patienceMs / 1000} s; send them again`
  return new RecommenderError('KAFKA_UNAVAILABLE', message, { canRetry: true })
}
