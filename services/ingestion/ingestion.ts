// The program as a whole: Kafka on one side, Postgres on the other, a batch at a time between them.
import { type Pool, withinMs } from '#shared/database/pool.ts'
import { retry } from '#shared/database/retry.ts'
import { readPlace } from '#shared/eventlog/consumer-offsets.ts'
import type { Logger } from '#shared/runtime/logging.ts'
import { createMetrics, type Metrics } from '#shared/runtime/metrics.ts'
import type { CommitContext } from './commit-batch.ts'
import type { IngestionConfig } from './config.ts'
import type { Batch } from './consumer.ts'
import { sendDeadLetters } from './dead-letter-messages.ts'
import { Headway } from './health.ts'
import { ingestEvents } from './ingest-events.ts'
import { ingestItems } from './ingest-items.ts'
import { connectKafka, type KafkaClient } from './kafka-client.ts'
import { createIngestionMetrics } from './metrics.ts'
import { startReport } from './report.ts'
import { watchPartitions } from './watch-partitions.ts'

export interface IngestionParts {
  readonly config: IngestionConfig
  /** Where the figures go; nowhere when absent. */
  readonly metrics?: Metrics
  /** Told what is read, for health and lag. */
  readonly headway?: Headway
  /** Stays the caller's. */
  readonly pool: Pool
  readonly log: Logger
  /** Gives up a start that waits, as it does while Kafka or Postgres is away. */
  readonly signal?: AbortSignal
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
 * @throws KAFKA_UNAVAILABLE when the brokers do not answer, TOPIC_MISSING when a topic is not there, and
 * the signal's reason when it was given up.
 */
export async function startIngestion(parts: IngestionParts): Promise<Ingestion> {
  const connecting = connectKafka(parts.config, parts.log)
  const kafka = await unlessAborted(connecting, parts.signal).catch(error => {
    void connecting.then(late => late.close()).catch(() => undefined) // nobody waits for it any more
    throw error
  })
  try {
    return await ingestFrom(kafka, parts)
  } catch (error) {
    await kafka.close()
    throw error
  }
}

async function ingestFrom(
  kafka: KafkaClient,
  {
    config,
    pool,
    log,
    signal,
    headway = createHeadway(config),
    metrics = createMetrics()
  }: IngestionParts
): Promise<Ingestion> {
  const { group, eventsTopic, itemsTopic, deadLetterTopic } = config
  const topics = [eventsTopic, itemsTopic]
  await kafka.requireTopics([eventsTopic, itemsTopic, deadLetterTopic])
  const letters = { kafka, topic: deadLetterTopic, log }
  const context: CommitContext = {
    pool,
    group,
    log,
    sendDeadLetters: rejected => sendDeadLetters(letters, rejected)
  }
  const report = startReport(log)
  const figures = createIngestionMetrics(metrics, headway)
  const consumer = await kafka.consume({
    group,
    topics,
    sessionTimeoutMs: config.sessionTimeoutSeconds * 1000,
    log,
    findPlace: ({ topic, partition }, isWanted) =>
      retry(() => readPlace(withinMs(pool, placeMs), { group, topic, partition }), {
        isWanted,
        log
      }),
    onBatch: async (batch: Batch) => {
      const startedAt = performance.now()
      const ingest = batch.topic === eventsTopic ? ingestEvents : ingestItems
      const counts = await ingest(context, batch)
      if (!counts) return false
      report.add(counts)
      headway.moved(batch, batch.to)
      const seconds = (performance.now() - startedAt) / 1000
      const ageSeconds = Math.max(0, Date.now() - Number(batch.messages[0]!.timestamp)) / 1000
      figures.committed({ topic: batch.topic, counts, seconds, ageSeconds })
      return true
    },
    onAssigned: places => {
      headway.assigned(places)
      figures.rebalanced()
    },
    onPassed: (place, to) => headway.moved(place, to)
  })
  const everyMs = lookEveryMs(config)
  const stopWatching = watchPartitions({ kafka, pool, group, topics, headway, everyMs, log })
  const stop = async () => {
    await consumer.stop()
    await stopWatching()
    await kafka.close()
    report.stop()
  }
  try {
    await unlessAborted(Promise.race([consumer.started, consumer.failed]), signal)
    headway.started()
  } catch (error) {
    await stop()
    throw error
  }
  return { failed: consumer.failed, stop }
}

/** One row: without an answer by then the connection has gone silent, and another is taken. */
const placeMs = 5000

/** What `work` resolves to. @throws the signal's reason once it is aborted; the work goes on. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal?.reason)
    if (signal?.aborted) abort()
    signal?.addEventListener('abort', abort)
    work.then(resolve, reject).finally(() => signal?.removeEventListener('abort', abort))
  })
}

/** Often enough to tell what is stuck soon after it is. */
function lookEveryMs({ stuckSeconds }: IngestionConfig): number {
  return Math.min(5000, (stuckSeconds * 1000) / 5)
}

/**
 * How long a statement may take: a connection that went silent is given up before its partition counts
 * as stuck. A batch waits for others' within it, and a busy Postgres has seconds to write one.
 */
export function statementMs({ stuckSeconds }: IngestionConfig): number {
  return Math.min(60_000, Math.max(5000, (stuckSeconds * 1000) / 2))
}

/** Judges by the configuration: whoever misses three looks knows nothing. */
export function createHeadway(config: IngestionConfig): Headway {
  const stuckMs = config.stuckSeconds * 1000
  return new Headway({ stuckMs, blindMs: Math.max(stuckMs / 2, 3 * lookEveryMs(config)) })
}
