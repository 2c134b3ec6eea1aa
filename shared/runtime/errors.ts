// The one root of every error this product throws on purpose. Anything else is a bug.
// Each code is described in README.md of this folder; a test holds the two together.
export const errorCodes = [
  'ARGUMENT_INVALID',
  'CONFIG_INVALID',
  'DATABASE_UNAVAILABLE',
  'DATASET_INVALID',
  'FILE_UNUSABLE',
  'INTERRUPTED',
  'ITEM_INVALID',
  'KAFKA_UNAVAILABLE',
  'LOG_TOO_SHORT',
  'MESSAGES_UNREADABLE',
  'MIGRATION_FAILED',
  'OVERLOADED',
  'POSTGRES_UNAVAILABLE',
  'PROGRAM_FAILED',
  'RELEASE_CORRUPT',
  'RELEASE_NOT_FOUND',
  'SERVING_UNAVAILABLE',
  'SETUP_FAILED',
  'TOPIC_MISSING',
  'TRAINING_DIVERGED',
  'WORKER_FAILED'
] as const
export type ErrorCode = (typeof errorCodes)[number]

export interface ErrorFacts extends ErrorOptions {
  /** True when the same call may succeed later with nothing changed. */
  readonly canRetry?: boolean
}

export class RecommenderError extends Error {
  readonly code: ErrorCode
  readonly canRetry: boolean

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    super(message, facts)
    this.name = new.target.name
    this.code = code
    this.canRetry = facts.canRetry ?? false
  }
}
