// What many ask for together may take longer than one of them can wait.
import { setTimeout as pause } from 'node:timers/promises'
import { RecommenderError } from '#shared/runtime/errors.ts'

/** Longer than a busy Postgres takes to read a catalogue of a million items, shorter than patience. */
const standardPatienceMs = 2000

/**
 * What `work` resolves to, which goes on whatever becomes of this.
 *
 * @throws DATABASE_UNAVAILABLE when it takes too long; otherwise what it throws.
 */
export async function inTime<T>(
  work: Promise<T>,
  what: string,
  patienceMs = standardPatienceMs
): Promise<T> {
  const waiting = new AbortController()
  const late = pause(patienceMs, undefined, { signal: waiting.signal }).then(() => {
    const message = `${what} could not be read in ${patienceMs} ms; try again`
    throw new RecommenderError('DATABASE_UNAVAILABLE', message, { canRetry: true })
  })
  try {
    return await Promise.race([work, late])
  } finally {
    waiting.abort()
    late.catch(() => undefined) // the race has heard it
  }
}
