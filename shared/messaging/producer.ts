// The one way to write to Kafka. A message counts as sent when every replica in sync has it.
import {
  type IHeaders,
  type Kafka,
  type Producer as KafkaJsProducer,
  type Message,
  Partitioners
} from 'kafkajs'
import { errorType, toKafkaError } from './kafka-error.ts'

export interface OutgoingMessage {
  readonly key: Buffer | string | null
  readonly value: Buffer | string | null
  readonly headers?: Readonly<Record<string, readonly (Buffer | null)[]>>
}

export interface Producer {
  /** @throws KAFKA_UNAVAILABLE when no broker answers, or none lets us in. */
  connect(): Promise<void>
  /**
   * Sends messages and waits until every replica in sync has them.
   *
   * @returns false when they are larger than the topic takes: nothing was sent.
   * @throws KAFKA_UNAVAILABLE when the brokers did not take them in time.
   */
  send(topic: string, messages: readonly OutgoingMessage[]): Promise<boolean>
  close(): Promise<void>
}

/** How often kafkajs tries; its standard here adds up to about eighteen seconds (kafka-retry.ts). */
export interface ProducerOptions {
  readonly retries?: number
}

/** Makes a producer that is not connected yet. */
export function createProducer(kafka: Kafka, { retries }: ProducerOptions = {}): Producer {
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner, // as the Java client does
    ...(retries !== undefined && { retry: { initialRetryTime: 100, maxRetryTime: 1000, retries } })
  })
  return {
    connect: () => inOurWords(() => producer.connect()),
    send: (topic, messages) => inOurWords(() => send(producer, topic, messages)),
    close: () => producer.disconnect()
  }
}

async function send(
  producer: KafkaJsProducer,
  topic: string,
  messages: readonly OutgoingMessage[]
): Promise<boolean> {
  try {
    await producer.send({ topic, acks: -1, messages: messages.map(toKafkaJs) })
    return true
  } catch (error) {
    if (errorType(error) === 'MESSAGE_TOO_LARGE') return false
    throw error
  }
}

/** A header without a value is legal in Kafka, and kafkajs sends it, but its types do not say so. */
function toKafkaJs({ key, value, headers }: OutgoingMessage): Message {
  return { key, value, ...(headers && { headers: headers as unknown as IHeaders }) }
}

/** Runs what asks kafkajs, and throws its failures as KAFKA_UNAVAILABLE. */
export async function inOurWords<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    throw toKafkaError(error)
  }
}
