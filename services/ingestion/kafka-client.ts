// What ingestion asks of Kafka beside sending: a place in a consumer group, and how much there is to
// read. With shared/messaging this is the whole port; another client would be other versions of these
// files and of consumer.ts.
import type { Admin } from 'kafkajs'
import { createKafka } from '#shared/messaging/kafka.ts'
import type { KafkaSettings } from '#shared/messaging/kafka-settings.ts'
import { createProducer, inOurWords, type Producer } from '#shared/messaging/producer.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { Logger } from '#shared/runtime/logging.ts'
import { type ConsumerTask, type RunningConsumer, startConsumer } from './consumer.ts'

/** What a partition holds. */
export interface PartitionEnds {
  readonly partition: number
  /** The offset of the oldest message there is. */
  readonly oldest: number
  /** The offset that the next message will get. */
  readonly next: number
}

export interface KafkaClient extends Pick<Producer, 'send'> {
  /** @throws TOPIC_MISSING naming all topics that the cluster does not have. */
  requireTopics(topics: readonly string[]): Promise<void>
  /** Starts to read topics as a member of a group. */
  consume(task: ConsumerTask): Promise<RunningConsumer>
  /** @throws KAFKA_UNAVAILABLE when no broker answers. */
  partitionEnds(topic: string): Promise<PartitionEnds[]>
  /** Ends the connections of the producer and of `partitionEnds`; consumers stop by themselves. */
  close(): Promise<void>
}

/** @throws KAFKA_UNAVAILABLE when none of the brokers answers within about twenty seconds. */
export async function connectKafka(settings: KafkaSettings, log: Logger): Promise<KafkaClient> {
  const kafka = createKafka({ settings, clientId: 'nextrie-ingestion', log })
  const producer = createProducer(kafka)
  const admin = kafka.admin()
  const close = async () => {
    await Promise.all([producer.close(), admin.disconnect()])
  }
  try {
    await producer.connect()
    await inOurWords(() => admin.connect())
  } catch (error) {
    await close()
    throw error
  }
  return {
    requireTopics: topics => inOurWords(() => requireTopics(admin, topics)),
    consume: task => inOurWords(() => startConsumer(kafka, task)),
    partitionEnds: topic => inOurWords(() => partitionEnds(admin, topic)),
    send: producer.send,
    close
  }
}

async function requireTopics(admin: Admin, topics: readonly string[]): Promise<void> {
  const known = await admin.listTopics()
  const missing = topics.filter(topic => !known.includes(topic))
  if (missing.length === 0) return
  throw new RecommenderError(
    'TOPIC_MISSING',
    `Kafka has no topic ${missing.join(', ')}; create it, or set the KAFKA_..._TOPIC variables to what there is`
  )
}

async function partitionEnds(admin: Admin, topic: string): Promise<PartitionEnds[]> {
  const offsets = await admin.fetchTopicOffsets(topic)
  return offsets.map(({ partition, low, high }) => ({
    partition,
    oldest: Number(low),
    next: Number(high)
  }))
}
