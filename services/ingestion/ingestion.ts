// The program as a whole: Kafka on one side, Postgres on the other, a batch at a time between them.
import type { Pool } from '#shared/database/pool.ts'
import { readOffset } from '#shared/eventlog/consumer-offsets.ts'
import type { Logger } from '#shared/runtime/logging.ts'
import type { CommitContext } from './commit-batch.ts'
import type { IngestionConfig } from './config.ts'
import type { Batch } from './consumer.ts'
import { sendDeadLetters } from './dead-letter-messages.ts'
import { ingestEvents } from './ingest-events.ts'
import { ingestItems } from './ingest-items.ts'
import { connectKafka, type KafkaClient } from './kafka-client.ts'
import { startReport } from './report.ts'
import { retry } from './retry.ts'

export interface IngestionParts {
  readonly config: IngestionConfig
  /** Stays the caller's. */
  readonly pool: Pool
  readonly log: Logger
}

export interface Ingestion {
  /** Rejects when ingestion cannot go on. Never resolves. */
  readonly failed: Promise<never>
  /** Commits the batch in hand and leaves the group. */
  stop(): Promise<void>
}

/**
 * Joins the consumer group and returns once it reads.
 *
 * @throws KAFKA_UNAVAILABLE when the brokers do not answer, TOPIC_MISSING when a topic is not there.
 */
export async function startIngestion(parts: IngestionParts): Promise<Ingestion> {
  const kafka = await connectKafka(parts.config.brokers, parts.log)
  try {
    return await ingestFrom(kafka, parts)
  } catch (error) {
    await kafka.close()
    throw error
  }
}

async function ingestFrom(
  kafka: KafkaClient,
  { config, pool, log }: IngestionParts
): Promise<Ingestion> {
  const { group, eventsTopic, itemsTopic, deadLetterTopic } = config
  await kafka.requireTopics([eventsTopic, itemsTopic, deadLetterTopic])
  const letters = { kafka, topic: deadLetterTopic, log }
  const context: CommitContext = {
    pool,
    group,
    log,
    sendDeadLetters: rejected => sendDeadLetters(letters, rejected)
  }
  const report = startReport(log)
  const consumer = await kafka.consume({
    group,
    topics: [eventsTopic, itemsTopic],
    sessionTimeoutMs: config.sessionTimeoutSeconds * 1000,
    log,
    findPlace: ({ topic, partition }, isWanted) =>
      retry(() => readOffset(pool, { group, topic, partition }), { isWanted, log }),
    onBatch: async (batch: Batch) => {
      const ingest = batch.topic === eventsTopic ? ingestEvents : ingestItems
      const counts = await ingest(context, batch)
      if (counts) report.add(counts)
      return counts !== undefined
    }
  })
  const stop = async () => {
    await consumer.stop()
    await kafka.close()
    report.stop()
  }
  try {
    await Promise.race([consumer.started, consumer.failed])
  } catch (error) {
    await stop()
    throw error
  }
  return { failed: consumer.failed, stop }
}
