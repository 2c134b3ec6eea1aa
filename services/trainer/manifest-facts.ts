// What the manifest of a release says of how it was made: enough to make it again.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as tf from '@tensorflow/tfjs-core'
import type { EvaluationRow } from '#shared/evaluation/evaluate.ts'
import type { TimeSplit } from '#shared/evaluation/time-split.ts'
import type { TrainedModel } from '#shared/recommendations/trained-model.ts'
import { type Manifest, manifestFormat } from '#shared/releases/manifest.ts'
import type { ReleaseFiles } from '#shared/releases/release-folder.ts'
import type { SettledRecipe, TrainerConfig } from './config.ts'
import type { TrainingLog } from './read-training-log.ts'
import type { TrainingSet } from './training-set.ts'

/** All that training on a log has come to. */
export interface Outcome {
  readonly log: TrainingLog
  /** Of the catalogue that was read. */
  readonly catalogVersion: number
  readonly split: TimeSplit
  readonly set: TrainingSet
  readonly recipe: SettledRecipe
  readonly trained: TrainedModel
  readonly metrics: readonly EvaluationRow[]
  readonly sample: Manifest['sample']
  readonly parity: ReleaseFiles
}

export function manifestFacts(
  task: { readonly config: TrainerConfig; readonly backend: string },
  outcome: Outcome
): Omit<Manifest, 'files'> {
  const { log, catalogVersion, split, set, recipe, trained, metrics, sample } = outcome
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
      catalogVersion,
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
