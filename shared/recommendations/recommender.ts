// The recommender of one release, in a worker thread of its own, so that the thread that answers
// health checks is never busy with a model.

import { type ErrorCode, RecommenderError } from '#shared/runtime/errors.ts'
import type { Logger } from '#shared/runtime/logging.ts'
import { startWorker } from '#shared/runtime/workers.ts'
import type { RecommendationQuery, RecommendedItem } from './answer-query.ts'

export type { RecommendationQuery, RecommendedItem } from './answer-query.ts'

export interface RecommendationAnswer {
  readonly releaseId: string
  readonly items: readonly RecommendedItem[]
}

export interface Recommender {
  readonly releaseId: string
  /** @throws RecommenderError WORKER_FAILED, worth a retry, when the thread has died. */
  recommend(query: RecommendationQuery): Promise<RecommendationAnswer>
  close(): Promise<void>
}

/** What the worker says. */
export type WorkerMessage =
  | { readonly kind: 'ready'; readonly releaseId: string }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: 'answer'; readonly id: number; readonly items: RecommendedItem[] }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string }

/** What the worker is asked. */
export interface WorkerQuestion {
  readonly id: number
  readonly query: RecommendationQuery
}

interface Waiting {
  readonly resolve: (items: RecommendedItem[]) => void
  readonly reject: (error: Error) => void
}

/**
 * Loads a release in a new worker: hashes checked, its sample question answered as promised.
 *
 * @throws RecommenderError RELEASE_NOT_FOUND, RELEASE_CORRUPT or WORKER_FAILED.
 */
export function startRecommender({
  folder,
  log
}: {
  readonly folder: string
  readonly log: Logger
}): Promise<Recommender> {
  const file = import.meta.url.endsWith('.ts')
    ? './recommender-worker.ts'
    : './recommender-worker.mjs'
  const worker = startWorker(new URL(file, import.meta.url), { folder })
  const waiting = new Map<number, Waiting>()
  let isClosed = false
  let asked = 0

  const ask = (query: RecommendationQuery) =>
    new Promise<RecommendedItem[]>((resolve, reject) => {
      if (isClosed) return reject(workerFailed('the recommender is closed'))
      const id = ++asked
      waiting.set(id, { resolve, reject })
      worker.postMessage({ id, query } satisfies WorkerQuestion)
    })
  const failAll = (message: string) => {
    isClosed = true
    for (const { reject } of waiting.values()) reject(workerFailed(message))
    waiting.clear()
  }

  return new Promise((resolve, reject) => {
    worker.on('message', (message: WorkerMessage) => {
      if (message.kind === 'ready') {
        const { releaseId } = message
        resolve({
          releaseId,
          recommend: async query => ({ releaseId, items: await ask(query) }),
          close: async () => {
            failAll('the recommender is closed')
            await worker.terminate()
          }
        })
      } else if (message.kind === 'refused') {
        reject(new RecommenderError(message.code, message.message))
        void worker.terminate()
      } else settle(waiting, message)
    })
    worker.on('error', error => {
      log.error({ err: error }, 'the recommender thread failed')
      failAll('the recommender thread failed')
      reject(workerFailed('the recommender thread failed while loading', error))
    })
    worker.on('exit', () => {
      failAll('the recommender thread ended')
      reject(workerFailed('the recommender thread ended while loading'))
    })
  })
}

function settle(
  waiting: Map<number, Waiting>,
  message: WorkerMessage & { kind: 'answer' | 'failed' }
): void {
  const asker = waiting.get(message.id)
  waiting.delete(message.id)
  if (message.kind === 'answer') asker?.resolve(message.items)
  else asker?.reject(new Error(message.message))
}

function workerFailed(message: string, cause?: unknown): RecommenderError {
  return new RecommenderError('WORKER_FAILED', message, { canRetry: true, cause })
}
