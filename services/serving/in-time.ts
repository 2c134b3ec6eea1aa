// What many ask for together may take longer than one of them can wait: whoever waits gives up, the work
// goes on. A statement that nobody waits for any more keeps its connection until Postgres has answered, or
// the pool gives it up: another one never gets it half used.
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
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const message = `${what} could not be read in ${Math.round(patienceMs)} ms; try again`
      reject(new RecommenderError('DATABASE_UNAVAILABLE', message, { canRetry: true }))
    }, patienceMs)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Waits for what one question needs of Postgres. @throws as inTime does. */
export type Patience = <T>(work: Promise<T>, what: string) => Promise<T>

/** @param mostMs for all that is waited for, together; for ever when absent. */
export function createPatience(mostMs: number | undefined): Patience {
  if (mostMs === undefined) return work => work
  let leftMs = mostMs
  return async (work, what) => {
    const startedAt = performance.now()
    try {
      return await inTime(work, what, leftMs)
    } finally {
      leftMs = Math.max(0, leftMs - (performance.now() - startedAt))
    }
  }
}
