// Looks at something again and again until closed. A failing look is logged once, not each time,
// and so is its recovery.
import { setTimeout as pause } from 'node:timers/promises'
import { toDatabaseError } from '#shared/database/pool.ts'
import type { Logger } from '#shared/runtime/logging.ts'

/**
 * How often serving looks by itself. What no notification tells has to be known everywhere within two
 * seconds: so it takes half of that at most.
 */
export const pollMs = 1000

export interface PollingFacts {
  /** What is looked at, for the log. */
  readonly subject: string
  readonly everyMs: number
  readonly look: () => Promise<void>
  readonly log: Logger
}

/** @returns a function that stops the polling and waits for a look that is under way. */
export function startPolling({ subject, everyMs, look, log }: PollingFacts): () => Promise<void> {
  const stopping = new AbortController()
  let isFailing = false

  const lookOnce = async () => {
    try {
      await look()
      if (isFailing) log.info({ subject }, 'polling works again')
      isFailing = false
    } catch (error) {
      const err = toDatabaseError(error)
      if (!isFailing) log.warn({ subject, err }, 'polling failed, trying on')
      isFailing = true
    }
  }
  const lookOn = async () => {
    while (!stopping.signal.aborted) {
      await lookOnce()
      await pause(everyMs, undefined, { signal: stopping.signal }).catch(ignoreAbort)
    }
  }
  const ended = lookOn()
  return () => {
    stopping.abort()
    return ended
  }
}

function ignoreAbort(error: Error): void {
  if (error.name !== 'AbortError') throw error
}
