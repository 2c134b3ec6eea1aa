// Trains item and session encoder: the visible loop. Every epoch is measured on validation, and the
// weights of the best one are kept.
import { setImmediate } from 'node:timers/promises'
import * as tf from '@tensorflow/tfjs-core'
import type { Dropout } from '#shared/model/layers.ts'
import { classCrossEntropy, itemCrossEntropy } from '#shared/model/losses.ts'
import {
  categoryLogits,
  encodeItems,
  encodeSessions,
  type ItemTensors,
  initialWeights,
  type ModelConfig,
  type Weights
} from '#shared/model/model.ts'
import type { NamedArrays } from '#shared/model/safetensors.ts'
import { lookupTensors } from '#shared/model/unified-embedding.ts'
import { arraysOf } from '#shared/model/weights.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { ProgressFields } from '#shared/runtime/progress.ts'
import type { Random } from '#shared/runtime/random.ts'
import { clickTypes } from '#shared/sessions/session.ts'
import { createAdamW } from './adamw.ts'
import { type Batch, drawBatches, windowsOf } from './batches.ts'
import type { SettledRecipe } from './config.ts'
import { type DenseQuality, denseQuality } from './dense-quality.ts'
import { createDropout } from './dropout.ts'
import { learningRateAt } from './learning-rate.ts'
import { type TrainingSet, validationSample } from './training-set.ts'

export interface TrainedEncoder {
  readonly config: ModelConfig
  readonly weights: NamedArrays
  /** [items, D] row-major, every key kept. */
  readonly vectors: Float32Array
  /** Of the kept epoch. */
  readonly validation: DenseQuality
  readonly epoch: number
}

type Variables = Readonly<Record<string, tf.Variable>>

export interface Reporter {
  start(title: string, total: number): void
  update(done: number, fields: ProgressFields): void
  finish(fields?: ProgressFields): void
}

/** @throws RecommenderError TRAINING_DIVERGED when the loss is no longer a number. */
export async function trainEncoder(
  set: TrainingSet,
  recipe: SettledRecipe,
  random: Random,
  report: Reporter
): Promise<TrainedEncoder> {
  const config = modelConfig(set, recipe)
  const items = { metadata: lookupTensors(set.metadata), key: lookupTensors(set.key) }
  const classes = set.categories.map(level => tf.tensor1d(level.classes, 'int32'))
  const variables = variablesOf(initialWeights(config, random))
  const optimizer = createAdamW(recipe.optimizer)
  const drop = createDropout(recipe.dropout, random)
  const windows = windowsOf(set.training, recipe.maxLength)
  const steps = recipe.epochs * drawBatches(windows, recipe.clicksPerBatch, random).length
  const checked = { ...set, validation: validationSample(set) }
  let best: TrainedEncoder | undefined
  let step = 0
  let examples = 0
  const startedAt = performance.now()

  report.start('training', steps)
  for (let epoch = 1; epoch <= recipe.epochs; epoch++) {
    for (const batch of drawBatches(windows, recipe.clicksPerBatch, random)) {
      const rate = learningRateAt(step / steps, recipe.learningRate)
      const keyMask = drawKeyMask(set.itemKeys.length, recipe.keyDropout, random)
      const objective = () =>
        batchLoss({ weights: variables, config, items, classes, batch, drop, keyMask, recipe })
      const { loss, gradients } = gradientsOf(objective, variables)
      tf.dispose(keyMask)
      if (!Number.isFinite(loss)) throw diverged(epoch, step)
      optimizer.step(variables, gradients, rate)
      tf.dispose(gradients)
      examples += batch.targets.length
      const perSecond = Math.round(examples / ((performance.now() - startedAt) / 1000))
      report.update(++step, {
        epoch,
        loss: loss.toFixed(3),
        'examples/s': perSecond,
        ...shown(best)
      })
      await setImmediate() // lets the database connection and the terminal breathe
    }
    const vectors = tf.tidy(() => encodeItems(variables, config, items))
    const validation = denseQuality({ config, weights: variables, itemVectors: vectors }, checked)
    if (!best || validation.score > best.validation.score) {
      const values = vectors.dataSync() as Float32Array
      best = { config, weights: arraysOf(variables), vectors: values, validation, epoch }
    }
    tf.dispose(vectors)
  }
  report.finish(shown(best))
  optimizer.dispose()
  tf.dispose([variables, classes, items.metadata, items.key] as unknown as tf.TensorContainer)
  return best!
}

function modelConfig(set: TrainingSet, recipe: SettledRecipe): ModelConfig {
  return {
    width: recipe.width,
    rowWidth: recipe.rowWidth,
    columns: set.columns,
    rows: set.reachedRows.length,
    blocks: recipe.blocks,
    heads: recipe.heads,
    maxLength: recipe.maxLength,
    eventTypes: clickTypes.length,
    gapBuckets: recipe.gapBuckets,
    categoryClasses: set.categories.map(({ count }) => count)
  }
}

function variablesOf(weights: Weights): Variables {
  return Object.fromEntries(
    Object.entries(weights).map(([name, tensor]) => {
      const variable = tf.variable(tensor)
      tensor.dispose()
      return [name, variable]
    })
  )
}

/** All that the loss of one batch depends on. */
export interface Objective {
  readonly weights: Weights
  readonly config: ModelConfig
  readonly items: ItemTensors
  readonly classes: readonly tf.Tensor1D[]
  readonly batch: Batch
  readonly drop: Dropout
  readonly keyMask: tf.Tensor2D
  readonly recipe: SettledRecipe
}

/** Next item + weight * next category at each level, over every click that has a next one. */
export function batchLoss(objective: Objective): tf.Scalar {
  const { weights, config, items, classes, batch, drop, keyMask, recipe } = objective
  const vectors = encodeItems(weights, config, items, keyMask) // [I, D]
  const states = encodeSessions(weights, config, vectors, sessionTensors(batch), drop) // [B, N, D]
  const flat = tf.reshape(states, [-1, config.width]) // [B * N, D]
  const asked = tf.gather(flat, tf.tensor1d(batch.places, 'int32')) as tf.Tensor2D // [T, D]
  const targets = tf.tensor1d(batch.targets, 'int32') // [T]
  const losses = classes.map((ofItem, level) => {
    const logits = categoryLogits(weights, level, asked)
    return tf.mul(classCrossEntropy(logits, tf.gather(ofItem, targets)), recipe.categoryLossWeight)
  })
  return tf.addN([itemCrossEntropy(asked, vectors, targets), ...losses]) as tf.Scalar
}

export function sessionTensors(batch: Batch) {
  const shape: [number, number] = [batch.size, batch.length]
  return {
    items: tf.tensor2d(batch.items, shape, 'int32'),
    types: tf.tensor2d(batch.types, shape, 'int32'),
    gaps: tf.tensor2d(batch.gaps, shape, 'int32')
  }
}

/** [I, 1]: 0 hides the key of an item for this step. */
function drawKeyMask(itemCount: number, rate: number, random: Random): tf.Tensor2D {
  const mask = Float32Array.from({ length: itemCount }, () => (random.next() < rate ? 0 : 1))
  return tf.tensor2d(mask, [itemCount, 1])
}

/** The loss as a number, and the gradient of every variable. The gradients are the caller's. */
export function gradientsOf(
  objective: () => tf.Scalar,
  variables: Variables
): { readonly loss: number; readonly gradients: Weights } {
  const { value, grads } = tf.tidy(() => {
    const found = tf.variableGrads(objective, Object.values(variables))
    return { value: found.value, grads: found.grads }
  })
  const loss = value.dataSync()[0]!
  value.dispose()
  const names = new Map(Object.entries(variables).map(([name, { name: id }]) => [id, name]))
  const gradients = Object.fromEntries(
    Object.entries(grads).map(([id, gradient]) => [names.get(id)!, gradient])
  )
  return { loss, gradients }
}

function shown(best: TrainedEncoder | undefined): ProgressFields {
  return best ? { 'validation Recall@10': best.validation.recallAt10.toFixed(4) } : {}
}

function diverged(epoch: number, step: number): RecommenderError {
  return new RecommenderError(
    'TRAINING_DIVERGED',
    `the loss is no longer a number in epoch ${epoch}, step ${step}: lower the learning rate`
  )
}
