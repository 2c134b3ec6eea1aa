// What ingestion reads from its environment.
import {
  type KafkaSettings,
  kafkaFaults,
  kafkaVariables
} from '#shared/messaging/kafka-settings.ts'
import {
  type Environment,
  integer,
  oneOf,
  readConfig,
  required,
  type Settings,
  text
} from '#shared/runtime/config.ts'
import { type LogLevel, logLevels } from '#shared/runtime/logging.ts'

export interface IngestionConfig extends KafkaSettings {
  readonly databaseUrl: string
  readonly eventsTopic: string
  /** Compacted: the newest message of a key is the item. */
  readonly itemsTopic: string
  readonly deadLetterTopic: string
  /** The name under which Postgres keeps the offsets; another name reads everything anew. */
  readonly group: string
  /** Seconds without a word after which Kafka gives a consumer's partitions to another one. */
  readonly sessionTimeoutSeconds: number
  /** Where /metrics and /health answer; port 0 takes any free one. */
  readonly host: string
  readonly port: number
  /** Seconds without any headway, while there is something to read, after which health fails. */
  readonly stuckSeconds: number
  /** Days that events are kept (shared/eventlog/event-months.ts); 0 keeps everything. */
  readonly retentionDays: number
  readonly logLevel: LogLevel
}

/** @throws CONFIG_INVALID naming every variable at fault. */
export function ingestionConfig(environment: Environment): IngestionConfig {
  const settings: Settings<IngestionConfig> = {
    databaseUrl: ['DATABASE_URL', required],
    ...kafkaVariables(),
    eventsTopic: ['KAFKA_EVENTS_TOPIC', text('events')],
    itemsTopic: ['KAFKA_ITEMS_TOPIC', text('items')],
    deadLetterTopic: ['KAFKA_DEAD_LETTER_TOPIC', text('events.dead-letter')],
    group: ['KAFKA_GROUP', text('nextrie-ingestion')],
    sessionTimeoutSeconds: ['KAFKA_SESSION_TIMEOUT_SECONDS', integer(6, 6, 1800)],
    host: ['INGESTION_HOST', text('127.0.0.1')],
    port: ['INGESTION_PORT', integer(0, 8081, 65_535)],
    stuckSeconds: ['INGESTION_STUCK_SECONDS', integer(1, 60)],
    retentionDays: ['EVENT_RETENTION_DAYS', integer(0, 0)],
    logLevel: ['LOG_LEVEL', oneOf(logLevels, 'info')]
  }
  return readConfig(environment, settings, kafkaFaults)
}
