// What ingestion reads from its environment.
import {
  type Environment,
  integer,
  list,
  oneOf,
  readConfig,
  required,
  text
} from '#shared/runtime/config.ts'
import { type LogLevel, logLevels } from '#shared/runtime/logging.ts'

export interface IngestionConfig {
  readonly databaseUrl: string
  /** host:port of some brokers of the cluster; the others are found through them. */
  readonly brokers: readonly string[]
  readonly eventsTopic: string
  /** Compacted: the newest message of a key is the item. */
  readonly itemsTopic: string
  readonly deadLetterTopic: string
  /** The name under which Postgres keeps the offsets; another name reads everything anew. */
  readonly group: string
  /** Seconds without a word after which Kafka gives a consumer's partitions to another one. */
  readonly sessionTimeoutSeconds: number
  readonly logLevel: LogLevel
}

/** @throws CONFIG_INVALID naming every variable at fault. */
export function ingestionConfig(environment: Environment): IngestionConfig {
  return readConfig<IngestionConfig>(environment, {
    databaseUrl: ['DATABASE_URL', required],
    brokers: ['KAFKA_BROKERS', list()],
    eventsTopic: ['KAFKA_EVENTS_TOPIC', text('events')],
    itemsTopic: ['KAFKA_ITEMS_TOPIC', text('items')],
    deadLetterTopic: ['KAFKA_DEAD_LETTER_TOPIC', text('events.dead-letter')],
    group: ['KAFKA_GROUP', text('nextrie-ingestion')],
    sessionTimeoutSeconds: ['KAFKA_SESSION_TIMEOUT_SECONDS', integer(6, 6, 1800)],
    logLevel: ['LOG_LEVEL', oneOf(logLevels, 'info')]
  })
}
