// Trains on the small shop, through the real log in a real Postgres.
import type { Recipe, TrainerConfig } from '#services/trainer/config.ts'
import type { Reporter } from '#services/trainer/train-encoder.ts'
import { type PublishedRelease, trainRelease } from '#services/trainer/train-release.ts'
import { upsertItems } from '#shared/catalog/write-items.ts'
import { withTransaction } from '#shared/database/pool.ts'
import { appendEvents } from '#shared/eventlog/append-events.ts'
import type { Event } from '#shared/events/event.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import type { TestDatabase } from '#test/support/postgres.ts'
import { shopItems, smallRecipe } from '#test/support/small-shop.ts'

export const silentReport: Reporter = { start: () => {}, update: () => {}, finish: () => {} }

/** Four days each, of thirty. */
export const holdOut = { testDays: 4, validationDays: 4 }

export interface SmallTraining {
  readonly database: TestDatabase
  readonly releasesFolder: string
  readonly seed?: number
  readonly epochs?: Recipe['epochs']
  readonly scheme?: Recipe['scheme']
  readonly idSettings?: Recipe['idSettings']
  readonly learnHeldOut?: boolean
}

/** Puts the items into the catalogue and these events, and no others, into the log. */
export async function fillLog({ pool }: TestDatabase, events: readonly Event[]): Promise<void> {
  await pool.query('truncate events, session_tails')
  await upsertItems(pool, shopItems)
  await withTransaction(pool, connection => appendEvents(connection, events))
}

export function trainSmallShop(training: SmallTraining): Promise<PublishedRelease> {
  const { database, releasesFolder, seed = 1, learnHeldOut = false } = training
  const { epochs = smallRecipe.epochs, scheme = smallRecipe.scheme, idSettings } = training
  const config: TrainerConfig = {
    databaseUrl: database.url,
    releasesFolder,
    releasesKept: 5,
    backend: 'wasm',
    seed,
    sessionGapMinutes: 30,
    ...holdOut,
    learnHeldOut,
    logLevel: 'silent'
  }
  return trainRelease({
    pool: database.pool,
    config,
    recipe: { ...smallRecipe, epochs, scheme, ...(idSettings && { idSettings }) },
    backend: 'wasm',
    report: silentReport,
    log: createLogger({ name: 'test', level: 'silent' })
  })
}
