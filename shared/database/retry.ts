// Tries work again while its failure is one that passes by itself.
import { setTimeout as pause } from 'node:timers/promises'
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { Logger } from '#shared/runtime/logging.ts'
import { retryDelayMs } from './retry-delay.ts'

export interface RetryOptions {
  /** Asked after every failure and every pause; once it says no, the failure is thrown. */
  isWanted(): boolean
  readonly log: Logger
}

/** @throws the first failure that does not pass by itself, or the last one before it was unwanted. */
export async function retry<T>(
  work: () => Promise<T>,
  { isWanted, log }: RetryOptions
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      const delayMs = delayBefore(error)
      if (delayMs === undefined || !isWanted()) throw error
      log.warn({ err: error, attempt, delayMs }, 'trying again')
      await pause(delayMs)
      if (!isWanted()) throw error
    }
  }
}

/** Kafka's client has waited long already when it gives up: hence only a second more. */
function delayBefore(error: unknown): number | undefined {
  const canRetry = error instanceof RecommenderError && error.canRetry
  return retryDelayMs(error) ?? (canRetry ? 1000 : undefined)
}
