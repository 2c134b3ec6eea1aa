// The serving application as tests ask it: the real app and a real Postgres, with a recommender that
// needs no training: it recommends what follows the last click in the alphabet.

import { buildApp } from '#services/serving/app.ts'
import { type FollowedCatalogue, followCatalogue } from '#services/serving/follow-catalogue.ts'
import type { KnownKeys } from '#services/serving/known-keys.ts'
import type { LiveRecommender } from '#services/serving/live-recommender.ts'
import type { App, ServingParts } from '#services/serving/serving-parts.ts'
import { upsertItems } from '#shared/catalog/write-items.ts'
import type { Pool } from '#shared/database/pool.ts'
import { createSelecting } from '#shared/recommendations/item-selection.ts'
import type {
  LivingCatalogue,
  RecommendationQuery,
  Recommender
} from '#shared/recommendations/recommender.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { createMetrics } from '#shared/runtime/metrics.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'

/** What a service on loopback has before its first key is made. */
export const noKeys: KnownKeys = {
  areRequired: async () => false,
  find: async () => undefined,
  refresh: async () => undefined
}

export const silent = createLogger({ name: 'test', level: 'silent' })

const letters = ['a', 'b', 'c', 'd', 'e', 'f']

/** Recommends the letters after the last one clicked, then from `a` on again. */
export function alphabetRecommender(releaseId = 'r1'): Recommender {
  return {
    releaseId,
    recommend: async query => ({ releaseId, items: nextLetters(query) }),
    select: createSelecting(new Map(letters.map((key, i) => [key, i])), letters.length),
    knows: key => letters.includes(key),
    hasCategories: () => true,
    isLiving: () => true,
    catalogue: lettersInCatalogue(new Set()),
    load: () => ({ waiting: 0, threads: 1, busyThreads: 0, lostThreads: 0, retried: 0 }),
    close: async () => undefined
  }
}

/** Letters that are hidden or removed go into `hidden`; other items find no room. */
function lettersInCatalogue(hidden: Set<string>): LivingCatalogue {
  return {
    trainedVersion: 0,
    room: 0,
    added: () => 0,
    nextNumber: () => letters.length,
    hasId: key => letters.includes(key),
    hide: async keys => {
      for (const key of keys) hidden.add(key)
    },
    adopt: async () => 0,
    place: async () => ({ placements: [], refused: [] }),
    update: async items => {
      for (const { key, isVisible } of items) {
        if (isVisible) hidden.delete(key)
        else hidden.add(key)
      }
    }
  }
}

/** The same while its app runs: it leaves out what is hidden in the catalogue. */
function followingAlphabet(pool: Pool): LiveRecommender {
  const hidden = new Set<string>()
  const catalogue = lettersInCatalogue(hidden)
  const { recommend } = alphabetRecommender()
  let followed: FollowedCatalogue | undefined
  return {
    releaseId: () => 'r1',
    recommend: query => recommend({ ...query, exclude: [...query.exclude, ...hidden] }),
    refreshItems: async () => {
      followed ??= await followCatalogue({ pool, log: silent, releaseId: 'r1', catalogue })
      await followed.refresh()
    }
  }
}

function nextLetters({ clicks, count, exclude, shown = [], repeat = false }: RecommendationQuery) {
  const clicked = clicks.map(click => click.itemKey)
  const start = letters.indexOf(clicked.at(-1) ?? '') + 1
  const source = clicked.length > 0 ? ('generated' as const) : ('popular' as const)
  return [...letters.slice(start), ...letters.slice(0, start)]
    .filter(key => !exclude.includes(key) && !shown.includes(key))
    .filter(key => repeat || !clicked.includes(key))
    .slice(0, count)
    .map((itemKey, rank) => ({ itemKey, score: 1 / (1 + rank), source }))
}

/** Something that a test opens later; Promise.withResolvers is not in Node 20. */
export function gate(): { readonly opened: Promise<void>; open(): void } {
  let open = () => {}
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  return { opened, open }
}

export interface ServingApp {
  readonly app: App
  readonly database: TestDatabase
  close(): Promise<void>
}

/** A database with the letters as its catalogue, and the app on it. */
export async function startServing(recommender?: LiveRecommender): Promise<ServingApp> {
  const database = await createTestDatabase()
  const items = letters.map(key => ({
    key,
    attributes: { title: `Letter ${key}` },
    isVisible: true
  }))
  await upsertItems(database.pool, items)
  const app = await appOn(database.pool, recommender)
  const close = async () => {
    await app.close()
    await database.drop()
  }
  return { app, database, close }
}

/** The app on any pool; the caller closes both. */
export function appOn(
  pool: Pool,
  recommender?: LiveRecommender,
  others: Partial<ServingParts> = {}
): Promise<App> {
  return buildApp({
    pool,
    recommender: recommender ?? followingAlphabet(pool),
    keys: noKeys,
    requestsPerMinute: 0,
    metrics: createMetrics(),
    log: silent,
    sessionGapMinutes: 30,
    ...others
  })
}
