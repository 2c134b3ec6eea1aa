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
import type { Batch } from './batches.ts'
import { createCandidates } from './candidates.ts'
import type { SettledRecipe } from './config.ts'
import { type DenseQuality, denseQuality } from './dense-quality.ts'
import { createDropout } from './dropout.ts'
import { encodeCatalog } from './encode-catalog.ts'
import { gradientsOf } from './gradients.ts'
import { readBags, readsOf } from './item-table.ts'
import { learningRateAt } from './learning-rate.ts'
import { prepareBatches } from './prepared-batches.ts'
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

/**
 * @throws RecommenderError TRAINING_DIVERGED when the loss explodes or is no longer a number, WORKER_FAILED
 *   when the thread that draws batches does.
 */
export async function trainEncoder(set: TrainingSet, task: EncoderTask): Promise<TrainedEncoder> {
  const { recipe, report } = task
  const checked = { ...set, validation: validationSample(set) }
  const { trainer, steps, runEpoch, close } = await createCourse(set, task)
  let best: TrainedEncoder | undefined

  try {
    report.start('training', steps)
    for (let epoch = 1; epoch <= recipe.epochs; epoch++) {
      await runEpoch(epoch, shown(best))
      const measured = measure(checked, trainer)
      if (!best || measured.validation.score > best.validation.score) {
        best = { ...measured, weights: copyOf(trainer.weights), epoch }
        task.keep?.(best)
      }
    }
  } finally {
    await close()
    report.finish(shown(best))
  }
  return best!
}

/**
 * All epochs of the recipe, where nothing is left to choose the best one by: the last steps are small ones.
 *
 * @throws RecommenderError TRAINING_DIVERGED or WORKER_FAILED
 */
export async function trainToTheEnd(
  set: TrainingSet,
  task: Omit<EncoderTask, 'keep'>
): Promise<Encoder> {
  const { recipe, report } = task
  const { trainer, steps, runEpoch, close } = await createCourse(set, task)
  try {
    report.start('training', steps)
    for (let epoch = 1; epoch <= recipe.epochs; epoch++) await runEpoch(epoch)
  } finally {
    await close()
    report.finish()
  }
  const { config, weights } = trainer
  return { config, weights, vectors: encodeCatalog(set, config, weights) }
}

/**
 * A trainer, and what takes it through an epoch: a step for each batch, at rates that follow one curve over
 * all. To be closed, or the thread that draws the batches keeps the process alive.
 */
async function createCourse(set: TrainingSet, { recipe, random, report }: EncoderTask) {
  const trainer = createTrainer(set, recipe, random)
  const batches = await prepareBatches(set.training, recipe, random.integer(2 ** 31))
  const steps = recipe.epochs * batches.perEpoch
  const mostLoss = explodedLoss(set)
  let step = 0
  let examples = 0
  const runEpoch = async (epoch: number, others: ProgressFields = {}): Promise<void> => {
    for (const batch of await batches.next()) {
      const loss = trainer.step(batch, learningRateAt(step / steps, recipe.learningRate))
      if (!(loss < mostLoss)) throw diverged(epoch, step, loss)
      examples += batch.targets.length
      report.update(++step, {
        epoch,
        loss: loss.toFixed(3),
        'examples/s': trainer.clock.rate(examples),
        ...trainer.clock.shares(),
        ...others
      })
      await setImmediate() // lets the database connection and the terminal breathe
    }
  }
  return { trainer, steps, runEpoch, close: batches.close }
}

/** Steps of training on one set: everything that changes with a step is in here. */
export function createTrainer(set: TrainingSet, recipe: SettledRecipe, random: Random) {
  const config = modelConfig(set, recipe)
  const { table, ...dense } = freshWeights(config, recipe, random)
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
