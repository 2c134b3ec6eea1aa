// Measures the live release again: the same log range, the same split, the same table. How to cut and
// split is read from the release: under other settings it would be asked about what it was trained on.
import { type Static, Type } from 'typebox'
import { Value } from 'typebox/value'
import type { Pool } from '#shared/database/pool.ts'
import type { EvaluationRow } from '#shared/evaluation/evaluate.ts'
import { splitByTime } from '#shared/evaluation/time-split.ts'
import { loadModel } from '#shared/recommendations/load-model.ts'
import { readModel } from '#shared/recommendations/model-files.ts'
import type { Manifest } from '#shared/releases/manifest.ts'
import { liveRelease } from '#shared/releases/registry.ts'
import { readRelease } from '#shared/releases/release-folder.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { evaluateModel } from './evaluate-model.ts'
import { readTrainingLog } from './read-training-log.ts'
import type { Reporter } from './train-encoder.ts'
import { splitInputs } from './training-set.ts'

/**
 * @throws RecommenderError RELEASE_NOT_FOUND before the first release; CONFIG_INVALID for one that has learned
 *   from its test days: it would be asked what it was told.
 */
export async function evaluateRelease(
  pool: Pool,
  report: Reporter
): Promise<{ readonly releaseId: string; readonly rows: EvaluationRow[] }> {
  const live = await liveRelease(pool)
  if (!live)
    throw new RecommenderError('RELEASE_NOT_FOUND', 'no release is live: run nextrie train first')
  const { manifest, files } = await readRelease(live.location)
  const settings = settingsOf(manifest)
  if (settings.learnHeldOut) throw learnedFromTest(manifest)
  const log = await readTrainingLog(pool, settings.sessionGapMinutes, manifest.data.toPosition)
  const model = loadModel(readModel(files))
  const { gapBuckets } = model.trained.config
  const sessions = splitInputs(splitByTime(log.sessions, settings), model.itemIndex, gapBuckets)
  return { releaseId: manifest.releaseId, rows: evaluateModel(model, sessions, report) }
}

/** What the trainer has saved of its settings, as far as it is needed here. */
const Settings = Type.Object({
  sessionGapMinutes: Type.Number(),
  testDays: Type.Number(),
  validationDays: Type.Number(),
  learnHeldOut: Type.Optional(Type.Boolean()) // absent from releases made before there was a choice
})

function learnedFromTest({ releaseId }: Manifest): RecommenderError {
  return new RecommenderError(
    'CONFIG_INVALID',
    `release ${releaseId} was made with LEARN_HELD_OUT=yes and has learned from its test days: its figures, ` +
      'measured before that, are in its manifest'
  )
}

function settingsOf({ releaseId, config }: Manifest): Static<typeof Settings> {
  if (Value.Check(Settings, config.settings)) return config.settings
  throw new RecommenderError(
    'RELEASE_CORRUPT',
    `manifest.json of release ${releaseId} does not say how its sessions were cut and split`
  )
}
