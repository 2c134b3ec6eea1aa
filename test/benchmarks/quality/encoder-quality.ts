// Trains the encoder alone and measures its dense head: what experiments with the model compare.
import * as tf from '@tensorflow/tfjs-core'
import type { SettledRecipe } from '#services/trainer/config.ts'
import { densePlaces, questionsOf } from '#services/trainer/dense-quality.ts'
import { terminalReporter } from '#services/trainer/terminal-reporter.ts'
import { type TrainedEncoder, trainEncoder } from '#services/trainer/train-encoder.ts'
import type { TrainingSet } from '#services/trainer/training-set.ts'
import { createSessionEncoder } from '#shared/inference/session-encoder.ts'
import { createRandom } from '#shared/runtime/random.ts'

export interface EncoderQuality {
  readonly trained: TrainedEncoder
  /** Of the dense head on the test part. */
  readonly places: readonly number[]
  readonly seconds: number
}

export async function encoderQuality(
  set: TrainingSet,
  recipe: SettledRecipe,
  seed: number
): Promise<EncoderQuality> {
  const startedAt = performance.now()
  const report = terminalReporter(process.stderr)
  const trained = await trainEncoder(set, { recipe, random: createRandom(seed), report })
  const seconds = (performance.now() - startedAt) / 1000
  const encoder = createSessionEncoder(trained.config, trained.weights, trained.vectors)
  const places = densePlaces(encoder, questionsOf(encoder, set.test, set.asked), set.repeats)
  tf.dispose([encoder.weights, encoder.itemVectors] as tf.TensorContainer)
  return { trained, places, seconds }
}
