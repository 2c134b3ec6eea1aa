// How a program starts and ends: one signal closes it in order, and whatever nobody caught is
// logged and ends the process, because a program in an unknown state must not go on.
import { setTimeout as pause } from 'node:timers/promises'
import { RecommenderError } from './errors.ts'
import { fileError } from './file-error.ts'
import type { Logger } from './logging.ts'

/** Kubernetes kills a container thirty seconds after it asked it to stop; we say so before that. */
const defaultDeadlineMs = 25_000

/**
 * npm and shells pass on a Ctrl-C that the terminal has already sent to the whole process group.
 * A repeat within this time is therefore the same request and not impatience.
 */
const sameRequestMs = 500

/**
 * Waits for SIGINT or SIGTERM, then closes and exits with 0; with 1 when `close` fails or takes
 * longer than `deadlineMs`, 25 seconds unless told otherwise. A second signal exits with 1 at once.
 * Call it once per process.
 */
export function onShutdown(
  log: Logger,
  close: () => Promise<void>,
  deadlineMs = defaultDeadlineMs
): void {
  let firstAt: number | undefined
  const stop = (signal: NodeJS.Signals) => {
    if (firstAt === undefined) {
      firstAt = performance.now()
      log.info({ signal }, 'stopping')
      void closeAndExit(log, close, deadlineMs)
    } else if (performance.now() - firstAt > sameRequestMs) {
      log.warn({ signal }, 'stopping at once')
      process.exit(1)
    }
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  exitOnUncaught(log)
}

/** Runs a program's main function; a failure is logged and the process exits with 1. */
export async function runMain(log: Logger, main: () => Promise<void>): Promise<void> {
  exitOnUncaught(log)
  try {
    await main()
  } catch (error) {
    logFatal(log, error)
    process.exit(1)
  }
}

async function closeAndExit(
  log: Logger,
  close: () => Promise<void>,
  deadlineMs: number
): Promise<void> {
  try {
    const outcome = await Promise.race([close(), pause(deadlineMs, 'late')])
    if (outcome !== 'late') {
      log.info('stopped')
      process.exit(0)
    }
    log.error({ seconds: deadlineMs / 1000 }, 'did not stop in time')
  } catch (error) {
    log.error({ err: error }, 'could not stop cleanly')
  }
  process.exit(1)
}

/** Our own errors say what to do: their message is enough. Anything else is a bug: with stack. */
function logFatal(log: Logger, failure: unknown): void {
  const error = fileError(failure)
  if (!(error instanceof RecommenderError)) log.fatal({ err: error }, 'failed unexpectedly')
  else if (error.cause instanceof Error) {
    log.fatal({ code: error.code, cause: error.cause.message }, error.message)
  } else log.fatal({ code: error.code }, error.message)
}

let isWatching = false

function exitOnUncaught(log: Logger): void {
  if (isWatching) return
  isWatching = true
  const end = (error: unknown) => {
    logFatal(log, error)
    process.exit(1)
  }
  process.on('unhandledRejection', end)
  process.on('uncaughtException', end)
}
