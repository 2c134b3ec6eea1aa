// A thread that loads one release into shared memory, hands it over and ends.
import { parentPort, workerData } from 'node:worker_threads'
import { type ErrorCode, RecommenderError } from '#shared/runtime/errors.ts'
import { type LoadedRelease, loadSharedModel, type SharingOptions } from './load-shared-model.ts'

export type LoadingMessage =
  | { readonly kind: 'loaded'; readonly release: LoadedRelease }
  | { readonly kind: 'refused'; readonly code: ErrorCode; readonly message: string }

export interface LoadingTask extends SharingOptions {
  readonly folder: string
}

const say = (message: LoadingMessage) => parentPort!.postMessage(message)

const { folder, ...options } = workerData as LoadingTask
loadSharedModel(folder, options).then(
  release => say({ kind: 'loaded', release }),
  error => {
    if (!(error instanceof RecommenderError)) throw error
    say({ kind: 'refused', code: error.code, message: error.message })
  }
)
