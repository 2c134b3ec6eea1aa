// Where events go that come by HTTP. With Kafka they are produced to the topic that ingestion reads, so
// that there is one path into the log; without it (one machine) they are appended at once. Either way an
// event that is sent again changes nothing.
import { type Pool, withTransaction } from '#shared/database/pool.ts'
import { appendEvents } from '#shared/eventlog/append-events.ts'
import type { Event } from '#shared/events/event.ts'
import { createKafka } from '#shared/messaging/kafka.ts'
import type { KafkaSettings } from '#shared/messaging/kafka-settings.ts'
import { createProducer } from '#shared/messaging/producer.ts'
import { createProducerQueue } from '#shared/messaging/producer-queue.ts'
import type { Logger } from '#shared/runtime/logging.ts'

/** An event that was accepted, and the message that said it. */
export interface AcceptedEvent {
  readonly event: Event
  readonly message: unknown
}

export type Collected =
  /** They are in the log. */
  | { readonly appended: number; readonly duplicates: number }
  /** Kafka has them, but for those marked false, which are larger than the topic takes. */
  | { readonly isQueued: readonly boolean[] }

export interface EventCollector {
  /**
   * Returns when the events are safe.
   *
   * @throws OVERLOADED or KAFKA_UNAVAILABLE when they could not be taken now; send them again.
   */
  collect(events: readonly AcceptedEvent[]): Promise<Collected>
  /** Waits for what is under way. */
  close(): Promise<void>
}

/** Appends to the log. */
export function collectIntoLog(pool: Pool): EventCollector {
  return {
    collect: accepted => {
      const events = accepted.map(({ event }) => event)
      return withTransaction(pool, connection => appendEvents(connection, events))
    },
    close: async () => undefined
  }
}

/** About fifty thousand events may wait for Kafka. */
const mostBytes = 16 * 1024 * 1024
/** A browser or a shop's server has not given up by then. */
const patienceMs = 5000
/** The caller tries again: no need to be patient on its behalf for long. */
const retries = 5

export interface KafkaCollectorOptions {
  readonly settings: KafkaSettings
  readonly topic: string
  readonly log: Logger
}

/** Produces to Kafka, keyed by session, so that a session stays in order. Connects when needed. */
export function collectIntoKafka({ settings, topic, log }: KafkaCollectorOptions): EventCollector {
  const kafka = createKafka({ settings, clientId: 'nextrie-serving', log })
  const producer = createProducer(kafka, { retries })
  const queue = createProducerQueue({ producer, topic, mostBytes, patienceMs, log })
  return {
    async collect(accepted) {
      const messages = accepted.map(({ event, message }) => ({
        key: event.sessionId,
        value: JSON.stringify(message)
      }))
      return { isQueued: await queue.send(messages) }
    },
    close: () => queue.close()
  }
}
