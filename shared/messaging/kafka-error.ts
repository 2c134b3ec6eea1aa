// What kafkajs throws, in our words.
import type { KafkaJSError } from 'kafkajs'
import { RecommenderError } from '#shared/runtime/errors.ts'

/** Kafka's name of what went wrong, such as MESSAGE_TOO_LARGE, wherever kafkajs has wrapped it. */
export function errorType(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  return 'type' in error && typeof error.type === 'string' ? error.type : errorType(error.cause)
}

/**
 * KAFKA_UNAVAILABLE for what kafkajs threw, any other error as it is, also where kafkajs has wrapped one of
 * ours. It can be retried when kafkajs would have gone on retrying, had it not run out of attempts.
 */
export function toKafkaError(error: unknown): unknown {
  if (!isKafkaJs(error)) return error
  if (error.cause instanceof RecommenderError) return error.cause
  const canRetry = error.retriable || error.name === 'KafkaJSNumberOfRetriesExceeded'
  return new RecommenderError(
    'KAFKA_UNAVAILABLE',
    `Kafka: ${error.message}; check KAFKA_BROKERS and that the brokers run`,
    { cause: error, canRetry }
  )
}

/** By name: Node does not find the class among the exports of kafkajs. */
function isKafkaJs(error: unknown): error is KafkaJSError {
  return error instanceof Error && error.name.startsWith('KafkaJS')
}
