// Looks at the topics again and again: where they end in Kafka, and how far Postgres is.
import { setTimeout as pause } from 'node:timers/promises'
import { type Pool, withinMs } from '#shared/database/pool.ts'
import { readOffsets } from '#shared/eventlog/consumer-offsets.ts'
import type { Logger } from '#shared/runtime/logging.ts'
import type { Headway, PartitionLook } from './health.ts'
import type { KafkaClient } from './kafka-client.ts'

/** A look without an answer by then found a connection that has gone silent: the next takes another. */
const lookMs = 5000

export interface WatchOptions {
  readonly kafka: Pick<KafkaClient, 'partitionEnds'>
  readonly pool: Pool
  readonly group: string
  readonly topics: readonly string[]
  readonly headway: Headway
  readonly everyMs: number
  readonly log: Logger
}

/** Begins to look. @returns how to stop; a look under way is waited for. */
export function watchPartitions(options: WatchOptions): () => Promise<void> {
  const stopping = new AbortController()
  const ended = watch(options, stopping.signal)
  return async () => {
    stopping.abort()
    await ended
  }
}

/** A look that fails is told by `Headway` when too many do; the next one may succeed. */
async function watch(options: WatchOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await look(options).catch(error => options.log.debug({ err: error }, 'partitions not seen'))
    await pause(options.everyMs, undefined, { signal }).catch(() => undefined) // aborted: stop
  }
}

async function look({ kafka, pool, group, topics, headway }: WatchOptions): Promise<void> {
  const looks: PartitionLook[] = []
  for (const topic of topics) {
    const [ends, offsets] = await Promise.all([
      kafka.partitionEnds(topic),
      readOffsets(withinMs(pool, lookMs), { group, topic })
    ])
    for (const end of ends) looks.push({ topic, ...end, stored: offsets.get(end.partition) })
  }
  headway.looked(looks)
}
