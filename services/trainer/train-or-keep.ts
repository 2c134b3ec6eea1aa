// Trains a model, and saves the weights of the best epoch so far when the loss explodes later: hours of
// training are not thrown away for a learning rate that was a little too large.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { encodeArrays } from '#shared/model/safetensors.ts'
import type { TrainedModel } from '#shared/recommendations/trained-model.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { TrainedEncoder } from './train-encoder.ts'
import { type ModelTask, trainModel } from './train-model.ts'
import type { TrainingSet } from './training-set.ts'

export interface KeepingTask extends ModelTask {
  readonly config: { readonly releasesFolder: string }
}

/**
 * @throws RecommenderError TRAINING_DIVERGED, which names the file with the last good weights: arrays
 *   of the encoder in the safetensors format, `vectors` among them.
 */
export async function trainOrKeep(set: TrainingSet, task: KeepingTask): Promise<TrainedModel> {
  let best: TrainedEncoder | undefined
  const keep = (encoder: TrainedEncoder) => {
    best = encoder
  }
  try {
    return await trainModel(set, { ...task, keep })
  } catch (error) {
    const isDiverged = error instanceof RecommenderError && error.code === 'TRAINING_DIVERGED'
    if (!isDiverged || !best) throw error
    const file = saveWeights(task.config.releasesFolder, best)
    const message = `${error.message}; the weights of epoch ${best.epoch}, the last good ones, are in ${file}`
    throw new RecommenderError('TRAINING_DIVERGED', message, { cause: error })
  }
}

function saveWeights(releasesFolder: string, { weights, vectors, config }: TrainedEncoder): string {
  const folder = resolve(releasesFolder)
  const file = join(
    folder,
    `diverged-${new Date().toISOString().replace(/[:.]/g, '-')}.safetensors`
  )
  const shape = [vectors.length / config.width, config.width]
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, encodeArrays({ ...weights, vectors: { shape, values: vectors } }))
  return file
}
