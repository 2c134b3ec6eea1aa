// Trains item and session encoder: the visible loop. Every epoch is measured on validation, and the
// weights of the best one are kept.
import { setImmediate } from 'node:timers/promises'
import * as tf from '@tensorflow/tfjs-core'
import { createSessionEncoder } from '#shared/inference/session-encoder.ts'
import { initialWeights, type ModelConfig } from '#shared/model/model.ts'
import type { NamedArrays } from '#shared/model/safetensors.ts'
import { copyOf, takenFrom } from '#shared/model/weights.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { ProgressFields } from '#shared/runtime/progress.ts'
import type { Random } from '#shared/runtime/random.ts'
import { clickTypes } from '#shared/sessions/session.ts'
import { createAdamW } from './adamw.ts'
import { createBagKernel } from './bag-kernel.ts'
import { bagNames, batchLoss, logWeightName, type Objective } from './batch-loss.ts'
import { type Batch, drawBatches, windowsOf } from './batches.ts'
import { createCandidates } from './candidates.ts'
import type { SettledRecipe } from './config.ts'
import { type DenseQuality, denseQuality } from './dense-quality.ts'
import { createDropout } from './dropout.ts'
import { encodeCatalog } from './encode-catalog.ts'
import { gradientsOf } from './gradients.ts'
import { readBags, readsOf } from './item-table.ts'
import { learningRateAt } from './learning-rate.ts'
import { createStepClock } from './step-clock.ts'
import { type TrainingSet, validationSample } from './training-set.ts'

/** What a learned loss weight starts from. */
const learnedWeightStart = 0.1

export interface Encoder {
  readonly config: ModelConfig
  readonly weights: NamedArrays
  /** [items, D] row-major; the key is kept of every item that was clicked in training. */
  readonly vectors: Float32Array
}

export interface TrainedEncoder extends Encoder {
  /** Of the kept epoch. */
  readonly validation: DenseQuality
  readonly epoch: number
}

export interface Reporter {
  start(title: string, total: number): void
  update(done: number, fields: ProgressFields): void
  finish(fields?: ProgressFields): void
}

export interface EncoderTask {
  readonly recipe: SettledRecipe
  readonly random: Random
  readonly report: Reporter
  /** Called with each epoch that is the best so far: what is left when a later one fails. */
  readonly keep?: (best: TrainedEncoder) => void
}

/** @throws RecommenderError TRAINING_DIVERGED when the loss explodes or is no longer a number. */
export async function trainEncoder(set: TrainingSet, task: EncoderTask): Promise<TrainedEncoder> {
  const { recipe, random, report } = task
  const trainer = createTrainer(set, recipe, random)
  const windows = windowsOf(set.training, recipe.maxLength)
  const steps = recipe.epochs * drawBatches(windows, recipe.clicksPerBatch, random).length
  const peakRate = recipe.learningRate
  const runEpoch = createEpochRunner(trainer, {
    ...task,
    steps,
    peakRate,
    mostLoss: explodedLoss(set)
  })
  const checked = { ...set, validation: validationSample(set) }
  let best: TrainedEncoder | undefined

  report.start('training', steps)
  try {
    for (let epoch = 1; epoch <= recipe.epochs; epoch++) {
      const batches = drawBatches(windows, recipe.clicksPerBatch, random)
      await runEpoch(batches, { epoch, ...shown(best) })
      const measured = measure(checked, trainer)
      if (!best || measured.validation.score > best.validation.score) {
        best = { ...measured, weights: copyOf(trainer.weights), epoch }
        task.keep?.(best)
      }
    }
  } finally {
    report.finish(shown(best))
  }
  return best!
}

/** Share of the learning rate for weights that are trained already. */
const furtherRate = 0.3

/** One more pass over the training sessions of a set, from weights that are trained already. */
export async function trainFurther(
  set: TrainingSet,
  trained: Pick<Encoder, 'weights'>,
  task: EncoderTask
): Promise<Encoder> {
  const { recipe, random, report } = task
  const trainer = createTrainer(set, recipe, random, copyOf(trained.weights))
  const windows = windowsOf(set.training, recipe.maxLength)
  const batches = drawBatches(windows, recipe.clicksPerBatch, random)
  const steps = batches.length
  const peakRate = furtherRate * recipe.learningRate
  const runEpoch = createEpochRunner(trainer, {
    ...task,
    steps,
    peakRate,
    mostLoss: explodedLoss(set)
  })
  report.start('training further', steps)
  try {
    await runEpoch(batches, { epoch: 1 })
  } finally {
    report.finish()
  }
  const { config, weights } = trainer
  return { config, weights: copyOf(weights), vectors: encodeCatalog(set, config, weights) }
}

interface RunTask extends EncoderTask {
  /** Of all epochs together. */
  readonly steps: number
  readonly peakRate: number
  readonly mostLoss: number
}

/** Makes the function that takes a step for each batch of an epoch, at rates that follow one curve over all of them. */
function createEpochRunner({ step: learn, clock }: Trainer, task: RunTask) {
  const { steps, peakRate, mostLoss, report } = task
  let step = 0
  let examples = 0
  return async (
    batches: readonly Batch[],
    { epoch, ...others }: ProgressFields & { readonly epoch: number }
  ): Promise<void> => {
    for (const batch of batches) {
      const loss = learn(batch, learningRateAt(step / steps, peakRate))
      if (!(loss < mostLoss)) throw diverged(epoch, step, loss)
      examples += batch.targets.length
      report.update(++step, {
        epoch,
        loss: loss.toFixed(3),
        'examples/s': clock.rate(examples),
        ...clock.shares(),
        ...others
      })
      await setImmediate() // lets the database connection and the terminal breathe
    }
  }
}

/**
 * Steps of training on one set: everything that changes with a step is in here.
 *
 * @param from weights to go on from, which change; fresh ones when absent.
 */
export function createTrainer(
  set: TrainingSet,
  recipe: SettledRecipe,
  random: Random,
  from?: NamedArrays
) {
  const config = modelConfig(set, recipe)
  const { table, ...dense } = from ?? freshWeights(config, recipe, random)
  const kernel = createBagKernel(table!.values as Float32Array, config.rowWidth)
  const weights = { ...dense, table: { shape: table!.shape, values: kernel.table } }
  const candidates = createCandidates(set.clicks, recipe, random)
  const drop = createDropout(recipe.dropout, random)
  const optimizer = createAdamW(recipe.optimizer)
  const clock = createStepClock()
  const readsFor = remember((items: Int32Array) => readsOf(set, items))

  return {
    config,
    weights,
    clock,
    /** @returns the loss before the step. */
    step(batch: Batch, learningRate: number): number {
      clock.start()
      const chosen = candidates.forStep(batch.targets, batch.items)
      const reads = readsFor(chosen.items)
      const bags = readBags(kernel.embed, reads, chosen.items.length)
      const objective: Objective = {
        config,
        batch,
        candidates: chosen,
        drop,
        keyMask: drawKeyMask(chosen.items.length, recipe.keyDropout, random),
        classes: set.categories.map(level => level.classes),
        categoryLossWeight: recipe.categoryLossWeight
      }
      const leaves = { ...dense, [bagNames.metadata]: bags.metadata, [bagNames.key]: bags.key }
      clock.lap('data')
      const { loss, gradients } = gradientsOf(
        tensors => batchLoss(tensors, objective),
        leaves,
        () => clock.lap('forward')
      )
      clock.lap('backward')
      const { [bagNames.metadata]: metadata, [bagNames.key]: key, ...ofDense } = gradients
      if (metadata) kernel.addGradients(metadata, reads.metadata)
      if (key) kernel.addGradients(key, reads.key)
      const ofTable = { values: kernel.gradient, rows: reads.rows }
      const step = Object.fromEntries(
        Object.entries(ofDense).map(([name, values]) => [name, { values }])
      )
      optimizer.step(weights, { ...step, table: ofTable }, learningRate)
      kernel.clear(reads.rows)
      clock.lap('update')
      return loss
    }
  }
}

type Trainer = ReturnType<typeof createTrainer>

function freshWeights(config: ModelConfig, recipe: SettledRecipe, random: Random): NamedArrays {
  const weights = takenFrom(initialWeights(config, random))
  if (recipe.categoryLossWeight !== 'learned') return weights
  const learned = config.categoryClasses.map((_, level) => [
    logWeightName(level),
    { shape: [1], values: Float32Array.of(-Math.log(learnedWeightStart)) }
  ])
  return { ...weights, ...Object.fromEntries(learned) }
}

/** Remembers the last answer: in full softmax the items are the same at every step. */
function remember<K, V>(compute: (key: K) => V): (key: K) => V {
  let last: { readonly key: K; readonly value: V } | undefined
  return key => {
    if (last?.key !== key) last = { key, value: compute(key) }
    return last.value
  }
}

/** [items]: 0 hides the key of an item for this step. */
function drawKeyMask(itemCount: number, rate: number, random: Random): Float32Array {
  return Float32Array.from({ length: itemCount }, () => (random.next() < rate ? 0 : 1))
}

function measure(set: TrainingSet, { config, weights }: Trainer) {
  const vectors = encodeCatalog(set, config, weights)
  const encoder = createSessionEncoder(config, withoutTable(weights), vectors)
  const validation = denseQuality(encoder, set)
  tf.dispose([encoder.weights, encoder.itemVectors] as tf.TensorContainer)
  return { config, vectors, validation }
}

function withoutTable({ table: _table, ...others }: NamedArrays): NamedArrays {
  return others
}

function modelConfig(set: TrainingSet, recipe: SettledRecipe): ModelConfig {
  return {
    width: recipe.width,
    rowWidth: recipe.rowWidth,
    columns: set.columns,
    rows: set.reachedRows.length,
    blocks: recipe.blocks,
    heads: recipe.heads,
    pooling: recipe.pooling,
    maxLength: recipe.maxLength,
    eventTypes: clickTypes.length,
    gapBuckets: recipe.gapBuckets,
    categoryClasses: recipe.categoryLossWeight === 0 ? [] : set.categories.map(({ count }) => count)
  }
}

function shown(best: TrainedEncoder | undefined): ProgressFields {
  return best ? { 'validation Recall@10': best.validation.recallAt10.toFixed(4) } : {}
}

/** Guessing costs ln(items); four times that is an explosion. */
function explodedLoss({ itemKeys }: TrainingSet): number {
  return 4 * Math.log(1 + itemKeys.length) + 10
}

function diverged(epoch: number, step: number, loss: number): RecommenderError {
  const what = Number.isFinite(loss)
    ? `has exploded to ${loss.toFixed(1)}`
    : 'is no longer a number'
  return new RecommenderError(
    'TRAINING_DIVERGED',
    `the loss ${what} in epoch ${epoch}, step ${step}: lower the learning rate`
  )
}
