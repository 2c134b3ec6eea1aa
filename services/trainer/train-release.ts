// From the event log to a published release: the trainer's table of contents.
import { rm } from 'node:fs/promises'
import { resolve } from 'node:path'
import { catalogVersion, readItems } from '#shared/catalog/read-items.ts'
import type { Pool } from '#shared/database/pool.ts'
import { retry } from '#shared/database/retry.ts'
import { splitByTime } from '#shared/evaluation/time-split.ts'
import { loadModel } from '#shared/recommendations/load-model.ts'
import { modelFiles } from '#shared/recommendations/model-files.ts'
import { takeSample } from '#shared/recommendations/sample.ts'
import type { Manifest } from '#shared/releases/manifest.ts'
import { announceRelease } from '#shared/releases/registry.ts'
import { writeRelease } from '#shared/releases/release-folder.ts'
import { removeOldReleases } from '#shared/releases/remove-old-releases.ts'
import type { Logger } from '#shared/runtime/logging.ts'
import { type Recipe, settleRecipe, type TrainerConfig } from './config.ts'
import { evaluateModel } from './evaluate-model.ts'
import { learnHeldOut } from './learn-held-out.ts'
import { manifestFacts, type Outcome } from './manifest-facts.ts'
import { parityFile } from './parity-samples.ts'
import { readTrainingLog } from './read-training-log.ts'
import type { Reporter } from './train-encoder.ts'
import { trainOrKeep } from './train-or-keep.ts'
import { buildTrainingSet, type TrainingSet } from './training-set.ts'

export interface TrainingTask {
  readonly pool: Pool
  readonly config: TrainerConfig
  readonly recipe: Recipe
  /** Name of the TF.js backend, for the manifest. */
  readonly backend: string
  readonly report: Reporter
  readonly log: Logger
}

export interface PublishedRelease {
  readonly manifest: Manifest
  readonly location: string
}

/** @throws RecommenderError LOG_TOO_SHORT, TRAINING_DIVERGED. Nothing is published then. */
export async function trainRelease(task: TrainingTask): Promise<PublishedRelease> {
  const log = await readTrainingLog(task.pool, task.config.sessionGapMinutes)
  const split = splitByTime(log.sessions, task.config)
  const version = await catalogVersion(task.pool) // before the items: what comes between is news
  const set = buildTrainingSet(await readItems(task.pool), split, task.recipe)
  const recipe = settleRecipe(task.recipe, { ...set, items: set.itemKeys.length })
  const modelTask = { ...task, recipe, seed: task.config.seed }
  const chosen = await trainOrKeep(set, modelTask)
  const metrics = evaluateModel(loadModel(chosen), set, task.report)
  const trained = task.config.learnHeldOut ? await learnHeldOut(set, chosen, modelTask) : chosen
  const model = loadModel(trained)
  const sample = takeSample(model, sampleClicks(set))
  const parity = parityFile(model, set)
  return publish(task, {
    log,
    catalogVersion: version,
    split,
    set,
    recipe,
    trained,
    metrics,
    sample,
    parity
  })
}

/** A held-out session that shows the model at work: the first with three clicks. */
function sampleClicks(set: TrainingSet): string[] {
  const session = set.test.find(({ items }) => items.length >= 3) ?? set.training[0]!
  return Array.from(session.items.subarray(0, 3), item => set.itemKeys[item]!)
}

async function publish(task: TrainingTask, outcome: Outcome): Promise<PublishedRelease> {
  const facts = manifestFacts(task, outcome)
  const folder = resolve(task.config.releasesFolder)
  const files = { ...modelFiles(outcome.trained), ...outcome.parity }
  const release = await writeRelease(folder, facts, files)
  await announce(task, release)
  await tidy(task, folder)
  return release
}

/** How long a finished training waits for Postgres. */
const announcePatienceMs = 3_600_000

/**
 * Hours of training are not lost to a Postgres that is away for minutes. What was refused for good at the
 * first attempt goes; later nobody knows whether an earlier one was committed, and the folder stays.
 */
async function announce({ pool, log }: TrainingTask, release: PublishedRelease): Promise<void> {
  const until = performance.now() + announcePatienceMs
  let attempts = 0
  const attempt = () => {
    attempts++
    return announceRelease(pool, release)
  }
  try {
    await retry(attempt, { isWanted: () => performance.now() < until, log })
  } catch (error) {
    if (attempts === 1) await rm(release.location, { recursive: true })
    throw error
  }
}

/** The release is published: what goes wrong here is told, and done by the next training. */
async function tidy({ pool, config, log }: TrainingTask, folder: string): Promise<void> {
  try {
    const tidied = await removeOldReleases(pool, { folder, kept: config.releasesKept })
    if (tidied.removed.length + tidied.leftovers > 0) log.info(tidied, 'old releases removed')
  } catch (error) {
    log.warn({ err: error }, 'old releases could not be removed; the next training tries again')
  }
}
