// A thread that loads one release into shared memory, hands it over and ends.
import { parentPort, workerData } from 'node:worker_threads'
import { type ErrorCode, RecommenderError } from '#shared/runtime/errors.ts'
import { loadSharedModel } from './load-shared-model.ts'
import type { SharedModel } from './shared-model.ts'

export type LoadingMessage =
  | { readonly kind: 'loaded'; readonly model: SharedModel }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string }

export interface LoadingTask {
  readonly folder: string
  /** See loadSharedModel. */
  readonly seats: number
}

const say = (message: LoadingMessage) => parentPort!.postMessage(message)

const { folder, seats } = workerData as LoadingTask
loadSharedModel(folder, seats).then(
  model => say({ kind: 'loaded', model }),
  error => {
    if (!(error instanceof RecommenderError)) throw error
    say({ kind: 'refused', code: error.code, message: error.message })
  }
)
