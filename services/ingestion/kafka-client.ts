// The port to Kafka: all that ingestion asks of a client, and kafkajs behind it. Another client
// would be another version of this file and of consumer.ts.
import { type IHeaders, Kafka, type Message, Partitioners, type Producer } from 'kafkajs'
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { Logger } from '#shared/runtime/logging.ts'
import { type ConsumerTask, type RunningConsumer, startConsumer } from './consumer.ts'
import { errorType, toKafkaError } from './kafka-error.ts'
import { pinoLogCreator } from './kafka-log.ts'
import { kafkaRetry } from './kafka-retry.ts'

export interface OutgoingMessage {
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, readonly (Buffer | null)[]>>
}

export interface KafkaClient {
  /** @throws TOPIC_MISSING naming all topics that the cluster does not have. */
  requireTopics(topics: readonly string[]): Promise<void>
  /** Starts to read topics as a member of a group. */
  consume(task: ConsumerTask): Promise<RunningConsumer>
  /**
   * Sends messages and waits until every replica in sync has them.
   *
   * @returns false when they are larger than the topic takes: nothing was sent.
   * @throws KAFKA_UNAVAILABLE when the brokers did not take them in about twenty seconds.
   */
  send(topic: string, messages: readonly OutgoingMessage[]): Promise<boolean>
  /** Ends the producer's connections; consumers are stopped by themselves. */
  close(): Promise<void>
}

/** @throws KAFKA_UNAVAILABLE when none of the brokers answers within about twenty seconds. */
export async function connectKafka(brokers: readonly string[], log: Logger): Promise<KafkaClient> {
  const kafka = new Kafka({
    clientId: 'nextrie-ingestion',
    brokers: [...brokers],
    retry: kafkaRetry,
    logCreator: pinoLogCreator(log)
  })
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner // as the Java client does
  })
  await guard(() => producer.connect())
  return {
    requireTopics: topics => guard(() => requireTopics(kafka, topics)),
    consume: task => guard(() => startConsumer(kafka, task)),
    send: (topic, messages) => guard(() => send(producer, topic, messages)),
    close: () => producer.disconnect()
  }
}

async function requireTopics(kafka: Kafka, topics: readonly string[]): Promise<void> {
  const admin = kafka.admin()
  await admin.connect()
  const known = await admin.listTopics().finally(() => admin.disconnect())
  const missing = topics.filter(topic => !known.includes(topic))
  if (missing.length === 0) return
  throw new RecommenderError(
    'TOPIC_MISSING',
    `Kafka has no topic ${missing.join(', ')}; create it, or set the KAFKA_..._TOPIC variables to what there is`
  )
}

async function send(
  producer: Producer,
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
  return { key, value, headers: headers as unknown as IHeaders }
}

async function guard<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    throw toKafkaError(error)
  }
}
