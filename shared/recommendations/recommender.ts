// The recommender of one release: worker threads that share one copy of it, so that the thread that
// answers health checks is never busy with a model. How they are asked is told in thread-pool.ts.
import { availableParallelism } from 'node:os'
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { Logger } from '#shared/runtime/logging.ts'
import { startWorker } from '#shared/runtime/workers.ts'
import type { RecommendationQuery, RecommendedItem } from './answer-query.ts'
import { openKeys } from './item-keys.ts'
import { createSelecting, type SelectItems } from './item-selection.ts'
import { type LivingCatalogue, LivingThread } from './living-thread.ts'
import type { LoadedRelease } from './load-shared-model.ts'
import type { LoadingMessage, LoadingTask } from './release-worker.ts'
import { openAllKeys } from './shared-model.ts'
import { type PoolSettings, type ThreadLoad, ThreadPool } from './thread-pool.ts'
import { workerFailed } from './worker-failed.ts'

export type { RecommendationQuery, RecommendedItem } from './answer-query.ts'
export type { LivingCatalogue } from './living-thread.ts'
export type { ThreadLoad } from './thread-pool.ts'

export interface RecommendationAnswer {
  readonly releaseId: string
  readonly items: readonly RecommendedItem[]
}

export interface Recommender {
  readonly releaseId: string
  /**
   * @throws RecommenderError, worth a retry: OVERLOADED when no thread is free in time, WORKER_FAILED
   *   when two threads died with this question, or the recommender is closed.
   *   Not worth one: ARGUMENT_INVALID when `diversity` is asked of a release without categories.
   */
  recommend(query: RecommendationQuery): Promise<RecommendationAnswer>
  /** Makes selections for `only` of this recommender's questions. */
  readonly select: SelectItems
  /** Whether the item of this key is known, from the release or since. */
  knows(key: string): boolean
  /** Brings it up with the catalogue. */
  readonly catalogue: LivingCatalogue
  /** False when it no longer takes in changes of the catalogue: it has to be started anew. */
  isLiving(): boolean
  /** Whether its questions may ask for diversity. */
  hasCategories(): boolean
  load(): ThreadLoad
  close(): Promise<void>
}

export interface RecommenderSettings extends Partial<PoolSettings> {
  /** As many as cores unless told otherwise. */
  readonly threads?: number
  /** See SharingOptions. */
  readonly room?: number
}

export interface RecommenderTask extends RecommenderSettings {
  readonly folder: string
  readonly log: Logger
}

/**
 * Loads a release: hashes checked, samples computed as in training, its sample question answered.
 *
 * @throws RecommenderError RELEASE_NOT_FOUND, RELEASE_CORRUPT or WORKER_FAILED.
 */
export async function startRecommender(task: RecommenderTask): Promise<Recommender> {
  const threads = task.threads ?? availableParallelism()
  const { model, parts } = await loadInThread({
    folder: task.folder,
    seats: threads,
    room: task.room
  })
  const living = new LivingThread({ model, parts }, openKeys(model.keys), error =>
    task.log.error({ err: error }, 'changes of the catalogue no longer reach this release')
  )
  const pool = new ThreadPool({ model, living }, { ...task, threads })
  await pool.ready()
  const { releaseId } = model
  const keys = openAllKeys(model)
  return {
    releaseId,
    catalogue: living,
    isLiving: () => living.isAlive,
    select: createSelecting(keys, model.byPopularity.length),
    knows: keys.has,
    hasCategories: () => model.categories !== undefined,
    recommend: async query => {
      if (query.diversity && !model.categories) throw withoutCategories()
      return { releaseId, items: await pool.ask(query) }
    },
    load: () => pool.load(),
    close: () => pool.close()
  }
}

/** Whoever asked may have looked at the release before this one: asked again, it would say the same. */
function withoutCategories(): RecommenderError {
  const message =
    'diversity needs categories, and the release that answers knows none: leave it out'
  return new RecommenderError('ARGUMENT_INVALID', message)
}

// The bundler (deploy/bundle.ts) changes the name to that of its own file.
const releaseWorker = new URL('./release-worker.ts', import.meta.url)

function loadInThread(task: LoadingTask): Promise<LoadedRelease> {
  const worker = startWorker(releaseWorker, task)
  return new Promise((resolve, reject) => {
    worker.on('message', (message: LoadingMessage) => {
      void worker.terminate()
      if (message.kind === 'loaded') resolve(message.release)
      else reject(new RecommenderError(message.code, message.message))
    })
    worker.on('error', cause =>
      reject(workerFailed('the thread that loads the release failed', cause))
    )
    worker.on('exit', () => reject(workerFailed('the thread that loads the release ended')))
  })
}
