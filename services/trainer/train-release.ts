// From the event log to a published release: the trainer's table of contents.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import * as tf from '@tensorflow/tfjs-core'
import { readItems } from '#shared/catalog/read-items.ts'
import type { Pool } from '#shared/database/pool.ts'
import type { EvaluationRow } from '#shared/evaluation/evaluate.ts'
import { splitByTime, type TimeSplit } from '#shared/evaluation/time-split.ts'
import { loadModel, modelFiles, type TrainedModel } from '#shared/recommendations/release-model.ts'
import { takeSample } from '#shared/recommendations/sample.ts'
import { type Manifest, manifestFormat } from '#shared/releases/manifest.ts'
import { announceRelease } from '#shared/releases/registry.ts'
import { writeRelease } from '#shared/releases/release-folder.ts'
import type { Logger } from '#shared/runtime/logging.ts'
import { type Recipe, type SettledRecipe, settleRecipe, type TrainerConfig } from './config.ts'
import { evaluateModel } from './evaluate-model.ts'
import { readTrainingLog, type TrainingLog } from './read-training-log.ts'
import type { Reporter } from './train-encoder.ts'
import { trainModel } from './train-model.ts'
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
  const set = buildTrainingSet(await readItems(task.pool), split, task.recipe)
  const recipe = settleRecipe(task.recipe, { targets: set.targets, items: set.itemKeys.length })
  const trained = await trainModel(set, { ...task, recipe, seed: task.config.seed })
  const model = loadModel(trained)
  const metrics = evaluateModel(model, set, task.report)
  const sample = takeSample(model, sampleClicks(set))
  return publish(task, { log, split, set, recipe, trained, metrics, sample })
}

/** A held-out session that shows the model at work: the first with three clicks. */
function sampleClicks(set: TrainingSet): string[] {
  const session = set.test.find(({ items }) => items.length >= 3) ?? set.training[0]!
  return Array.from(session.items.subarray(0, 3), item => set.itemKeys[item]!)
}

interface Outcome {
  readonly log: TrainingLog
  readonly split: TimeSplit
  readonly set: TrainingSet
  readonly recipe: SettledRecipe
  readonly trained: TrainedModel
  readonly metrics: readonly EvaluationRow[]
  readonly sample: Manifest['sample']
}

async function publish(task: TrainingTask, outcome: Outcome): Promise<PublishedRelease> {
  const facts = manifestFacts(task, outcome)
  const folder = resolve(task.config.releasesFolder)
  const release = await writeRelease(folder, facts, modelFiles(outcome.trained))
  await announceRelease(task.pool, release)
  return release
}

function manifestFacts(task: TrainingTask, outcome: Outcome): Omit<Manifest, 'files'> {
  const { log, split, set, recipe, trained, metrics, sample } = outcome
  const { databaseUrl: _secret, ...settings } = task.config
  const createdAt = new Date().toISOString()
  const iso = (time: number) => new Date(time).toISOString()
  return {
    format: manifestFormat,
    releaseId: releaseId(createdAt, log.eventIdsSha256, task.config.seed),
    createdAt,
    madeWith: {
      nextrie: productVersion(),
      node: process.versions.node,
      tfjs: tf.version_core,
      backend: task.backend
    },
    seed: task.config.seed,
    config: { settings, recipe, model: trained.config, blend: trained.blend },
    data: {
      fromPosition: log.fromPosition,
      toPosition: log.toPosition,
      firstEventAt: log.firstEventAt.toISOString(),
      lastEventAt: log.lastEventAt.toISOString(),
      validationFrom: iso(split.validationFrom),
      testFrom: iso(split.testFrom),
      events: log.events,
      items: set.itemKeys.length,
      sessions: {
        training: set.training.length,
        validation: set.validation.length,
        test: set.test.length
      },
      eventIdsSha256: log.eventIdsSha256
    },
    metrics: [...metrics],
    sample
  }
}

/** Sorts by time, and tells apart releases of the same second. */
function releaseId(createdAt: string, dataHash: string, seed: number): string {
  const time = createdAt.replace(/[-:]/g, '').replace(/\.\d+/, '')
  const hash = createHash('sha256').update(`${createdAt} ${dataHash} ${seed}`).digest('hex')
  return `${time}-${hash.slice(0, 6)}`
}

function productVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
