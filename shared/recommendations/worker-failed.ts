// The fault of every question that a thread of ours cannot answer any more.
import { RecommenderError } from '#shared/runtime/errors.ts'

/** Worth a retry: a thread that ended is replaced, or another process answers. */
export function workerFailed(message: string, cause?: unknown): RecommenderError {
  return new RecommenderError('WORKER_FAILED', message, { canRetry: true, cause })
}
