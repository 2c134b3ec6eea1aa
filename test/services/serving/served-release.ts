// The whole of serving on a small release: its threads, its files, Postgres and the application.
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FollowedRelease } from '#services/serving/live-recommender.ts'
import type { App, ServingParts } from '#services/serving/serving-parts.ts'
import type { Item } from '#shared/catalog/item.ts'
import { upsertItems } from '#shared/catalog/write-items.ts'
import { startRecommender } from '#shared/recommendations/recommender.ts'
import type { QueueLimits } from '#shared/recommendations/request-queue.ts'
import type { TrainedModel } from '#shared/recommendations/trained-model.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'
import { publishSmallRelease } from '#test/support/small-release.ts'
import { useBackend } from '#test/support/tensorflow.ts'
import { appOn, silent } from './serving-app.ts'

export interface ServedRelease {
  readonly database: TestDatabase
  readonly release: FollowedRelease
  readonly app: App
  /** Publishes another release, which takes over. */
  publish(releaseId: string, trained: TrainedModel): Promise<void>
  /** @returns where it listens. */
  listen(): Promise<string>
  close(): Promise<void>
}

export interface ServedFacts {
  readonly trained: TrainedModel
  /** The catalogue, if there is to be one. */
  readonly items?: readonly Item[]
  readonly threads?: number
  readonly queue?: QueueLimits
  readonly parts?: Partial<ServingParts>
}

/** A queue in which everything finds room and time. */
const longQueue = { length: 512, deadlineMs: 60_000 }

export async function serveRelease(facts: ServedFacts): Promise<ServedRelease> {
  const { trained, items = [], threads = 1, queue = longQueue, parts } = facts
  await useBackend('cpu')
  const folder = await mkdtemp(join(tmpdir(), 'nextrie-served-'))
  const database = await createTestDatabase()
  const { pool } = database
  await upsertItems(pool, items)
  const release = new FollowedRelease({
    pool,
    log: silent,
    start: location => startRecommender({ folder: location, log: silent, threads, queue })
  })
  const publish = async (releaseId: string, model: TrainedModel) => {
    await publishSmallRelease(pool, { folder, trained: model, releaseId })
    await release.refresh()
  }
  await publish('r1', trained)
  const app = await appOn(pool, release, parts)
  return {
    database,
    release,
    app,
    publish,
    async listen() {
      await app.listen({ host: '127.0.0.1', port: 0 })
      return `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
    },
    async close() {
      await app.close()
      await release.close()
      await database.drop()
      await rm(folder, { recursive: true, force: true })
    }
  }
}
