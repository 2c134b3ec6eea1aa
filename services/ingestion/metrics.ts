// What ingestion counts for Prometheus, beside the process's own figures.
import { Counter, Gauge, Histogram, type Metrics } from '#shared/runtime/metrics.ts'
import type { Headway } from './health.ts'
import type { Counts } from './report.ts'

/** Seconds. A batch takes a few hundredths; what takes ten is being tried again. */
const batchBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60]
/** Seconds. Fresh events are under a second old; after an outage hours. */
const ageBuckets = [0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 300, 3600, 86_400]

/** By the names of `Counts`. */
const outcomes = {
  appended: 'appended',
  duplicates: 'duplicate',
  items: 'item_written',
  removedItems: 'item_removed',
  rejected: 'rejected'
} as const satisfies Record<keyof Counts, string>

export interface BatchFacts {
  readonly topic: string
  readonly counts: Counts
  readonly seconds: number
  /** From when Kafka got the batch's oldest message until it was committed. */
  readonly ageSeconds: number
}

export interface IngestionMetrics {
  /** A batch was committed. */
  committed(batch: BatchFacts): void
  /** The group gave us partitions, or took them. */
  rebalanced(): void
}

/** Makes the metrics; lag and assignment are read from `headway` when somebody asks. */
export function createIngestionMetrics(metrics: Metrics, headway: Headway): IngestionMetrics {
  const registers = [metrics]
  const messages = new Counter({
    name: 'nextrie_ingestion_messages_total',
    help: 'Messages committed, by what became of them; its rate is the throughput',
    labelNames: ['topic', 'outcome'],
    registers
  })
  const batchSeconds = new Histogram({
    name: 'nextrie_ingestion_batch_seconds',
    help: 'Time from a batch of messages to its commit',
    labelNames: ['topic'],
    buckets: batchBuckets,
    registers
  })
  const ageSeconds = new Histogram({
    name: 'nextrie_ingestion_age_seconds',
    help: "Age of a batch's oldest message at its commit, by Kafka's timestamp",
    labelNames: ['topic'],
    buckets: ageBuckets,
    registers
  })
  const rebalances = new Counter({
    name: 'nextrie_ingestion_rebalances_total',
    help: 'How often the consumer group assigned partitions to this process',
    registers
  })
  addGauges(metrics, headway)
  return {
    committed({ topic, counts, seconds, ageSeconds: age }) {
      for (const [name, count] of Object.entries(counts)) {
        messages.inc({ topic, outcome: outcomes[name as keyof Counts] }, count)
      }
      batchSeconds.observe({ topic }, seconds)
      ageSeconds.observe({ topic }, age)
    },
    rebalanced: () => rebalances.inc()
  }
}

function addGauges(metrics: Metrics, headway: Headway): void {
  const registers = [metrics]
  new Gauge({
    name: 'nextrie_ingestion_lag_messages',
    help: 'Messages in Kafka that Postgres does not have yet, for all partitions of the group',
    labelNames: ['topic', 'partition'],
    registers,
    collect() {
      this.reset()
      for (const { topic, partition, lag } of headway.lags()) this.set({ topic, partition }, lag)
    }
  })
  new Gauge({
    name: 'nextrie_ingestion_assigned_partitions',
    help: 'Partitions that this process reads',
    registers,
    collect() {
      this.set(headway.lags().filter(({ isOurs }) => isOurs).length)
    }
  })
  new Gauge({
    name: 'nextrie_ingestion_stuck',
    help: '1 when /health/live says that the consumer is stuck',
    registers,
    collect() {
      this.set(headway.health().status === 'stuck' ? 1 : 0)
    }
  })
}
