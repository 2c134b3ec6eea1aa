// Lets a long command be interrupted between two steps: what is done stays done, nothing is left half
// done, and the command's own message says how to go on.
import { RecommenderError } from '#shared/runtime/errors.ts'

/**
 * Aborts at the first SIGINT, SIGTERM or SIGHUP, with INTERRUPTED as its reason; a second one ends the
 * process at once.
 */
export function interruption(): AbortSignal {
  const controller = new AbortController()
  const interrupt = (signal: NodeJS.Signals) => {
    if (controller.signal.aborted) process.exit(1)
    controller.abort(new RecommenderError('INTERRUPTED', `interrupted by ${signal}`))
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt)
  return controller.signal
}

/**
 * Waits for work that ends with the signal's reason when it is interrupted.
 *
 * @param told what was done by then and how to go on, as it follows on "interrupted by SIGINT".
 * @throws INTERRUPTED saying so; otherwise what the work throws.
 */
export async function interruptible<T>(
  signal: AbortSignal,
  work: Promise<T>,
  told: () => string
): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error
    throw new RecommenderError('INTERRUPTED', `${signal.reason.message} ${told()}`, {
      cause: error
    })
  }
}
