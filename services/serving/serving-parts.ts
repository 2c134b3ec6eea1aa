// What the routes work with. main.ts makes these; tests make them too, and nothing else does.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify'
import type { Pool } from '#shared/database/pool.ts'
import type { Logger } from '#shared/runtime/logging.ts'
import type { Metrics } from '#shared/runtime/metrics.ts'
import type { EventCollector } from './collector.ts'
import type { ConnectionLimits, Ending } from './drain.ts'
import type { KeptAnswers } from './kept-answers.ts'
import type { KnownKeys } from './known-keys.ts'
import type { KnownScenarios } from './known-scenarios.ts'
import type { LiveRecommender } from './live-recommender.ts'
import type { BatchLimits } from './routes/batch-limits.ts'

export interface ServingParts {
  readonly pool: Pool
  readonly recommender: LiveRecommender
  readonly keys: KnownKeys
  /** Of one key, or of one address without; 0 is no limit. */
  readonly requestsPerMinute: number
  readonly metrics: Metrics
  readonly log: Logger
  readonly sessionGapMinutes: number
  /** Where events go that come by HTTP; into the log when absent. */
  readonly collector?: EventCollector
  /** Whoever makes them also has them read again, and written. */
  readonly scenarios?: KnownScenarios
  readonly answers?: KeptAnswers
  readonly batches?: BatchLimits
  /** How long a question waits for Postgres, all in all; for ever when absent. */
  readonly patienceMs?: number
  readonly connections?: Partial<ConnectionLimits>
  /** Readiness says that the process ends soon. */
  readonly ending?: Ending
}

/** Fastify that infers a request's type from its TypeBox schema. */
export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>
