// What serving reads from the environment.
import { availableParallelism } from 'node:os'
import {
  type KafkaSettings,
  kafkaFaults,
  kafkaVariables
} from '#shared/messaging/kafka-settings.ts'
import { type SearchName, searchNames, standardGeneration } from '#shared/recommendations/rank.ts'
import { standardQueue } from '#shared/recommendations/request-queue.ts'
import {
  type Environment,
  integer,
  list,
  oneOf,
  readConfig,
  required,
  type Settings,
  text
} from '#shared/runtime/config.ts'
import { type LogLevel, logLevels } from '#shared/runtime/logging.ts'

/** No brokers: events that come by HTTP go straight into the log. */
export interface ServingConfig extends KafkaSettings {
  readonly databaseUrl: string
  /** Beyond loopback an API key must exist (guard-address.ts). */
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  readonly logLevel: LogLevel
  /** Must equal the gap that the trainer cuts by (session-gap.ts); 0: by the session's id alone. */
  readonly sessionGapMinutes: number
  /** Threads that compute recommendations. */
  readonly threads: number
  /** Questions that may wait for a thread; more are refused at once. */
  readonly queueLength: number
  /** After this time in the queue a question is refused. */
  readonly requestDeadlineMs: number
  /** How long it answers on when told to stop, with readiness saying so (drain.ts). */
  readonly shutdownGraceMs: number
  /** Of one API key, or of one address without; 0 is no limit. */
  readonly requestsPerMinute: number
  readonly search: SearchName
  /** Items that the search looks for at least; of a beam also the prefixes kept at each level. */
  readonly searchWidth: number
  /** Where events go that come by HTTP, with Kafka. */
  readonly eventsTopic: string
}

/** @throws CONFIG_INVALID naming every faulty variable. */
export function servingConfig(environment: Environment): ServingConfig {
  const settings: Settings<ServingConfig> = {
    databaseUrl: ['DATABASE_URL', required],
    host: ['HOST', text('127.0.0.1')],
    port: ['PORT', integer(0, 8080, 65_535)],
    logLevel: ['LOG_LEVEL', oneOf(logLevels, 'info')],
    sessionGapMinutes: ['SESSION_GAP_MINUTES', integer(0, 30)],
    threads: ['RECOMMENDER_THREADS', integer(1, availableParallelism(), 256)],
    queueLength: ['QUEUE_LENGTH', integer(1, standardQueue.length)],
    requestDeadlineMs: ['REQUEST_DEADLINE_MS', integer(1, standardQueue.deadlineMs)],
    shutdownGraceMs: ['SHUTDOWN_GRACE_MS', integer(0, 3000, 15_000)],
    requestsPerMinute: ['REQUESTS_PER_MINUTE', integer(0, 60_000)],
    search: ['SEARCH', oneOf(searchNames, standardGeneration.search)],
    searchWidth: ['SEARCH_WIDTH', integer(1, standardGeneration.width, 1000)],
    ...kafkaVariables(list([])),
    eventsTopic: ['KAFKA_EVENTS_TOPIC', text('events')]
  }
  return readConfig(environment, settings, kafkaFaults)
}
