// Trains the token decoder on the states of a finished encoder. The encoder stays as it is: trained
// together, the decoder's loss cost the dense head quality (Beauty NDCG@10 .057 -> .054, prototype).
import { setImmediate } from 'node:timers/promises'
import * as tf from '@tensorflow/tfjs-core'
import type { Question } from '#shared/evaluation/evaluate.ts'
import type { NodeMoments } from '#shared/inference/node-moments.ts'
import type { Trie } from '#shared/itemids/trie.ts'
import {
  codeCrossEntropy,
  decoderStates,
  initialDecoder,
  type LevelTensors,
  levelScores
} from '#shared/model/decoder.ts'
import type { NamedArrays } from '#shared/model/safetensors.ts'
import { copyOf, takenFrom, tensorsOf } from '#shared/model/weights.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { Random } from '#shared/runtime/random.ts'
import { createAdamW } from './adamw.ts'
import type { SettledRecipe } from './config.ts'
import { gradientsOf } from './gradients.ts'
import { learningRateAt } from './learning-rate.ts'
import type { Reporter } from './train-encoder.ts'

export interface DecoderTask {
  readonly trie: Trie
  readonly moments: NodeMoments
  readonly training: readonly Question[]
  readonly validation: readonly Question[]
  readonly recipe: SettledRecipe
  readonly random: Random
  readonly report: Reporter
}

export interface TrainedDecoder {
  readonly weights: NamedArrays
  /** Mean cross-entropy of an item ID on validation, before training and at the kept epoch. */
  readonly untrainedLoss: number
  readonly loss: number
}

/** Weights of the epoch that is best on validation; the untrained ones when none is better. */
export async function trainDecoder(task: DecoderTask): Promise<TrainedDecoder> {
  const { trie, moments, recipe, random, report } = task
  const levels = levelsOf(trie, moments)
  const weights = takenFrom(initialDecoder(moments.width, trie.depth, random))
  const optimizer = createAdamW(recipe.optimizer)
  const size = recipe.clicksPerBatch
  const steps = Math.ceil(task.training.length / size) * recipe.decoderEpochs
  const untrainedLoss = validationLoss(task, levels, weights)
  let best = { weights: copyOf(weights), loss: untrainedLoss }
  let step = 0

  report.start('training the decoder', steps)
  try {
    for (let epoch = 1; epoch <= recipe.decoderEpochs; epoch++) {
      const order = random.shuffle(task.training.slice())
      for (let start = 0; start < order.length; start += size) {
        const batch = order.slice(start, start + size)
        const { loss, gradients } = gradientsOf(
          tensors => pathLoss(trie, levels, tensors, batch),
          weights
        )
        if (!Number.isFinite(loss)) throw diverged(epoch, step)
        const dense = Object.entries(gradients).map(([name, values]) => [name, { values }] as const)
        const rate = learningRateAt(step / steps, recipe.decoderLearningRate)
        optimizer.step(weights, Object.fromEntries(dense), rate)
        report.update(++step, { epoch, loss: loss.toFixed(3) })
        await setImmediate()
      }
      const loss = validationLoss(task, levels, weights)
      if (loss < best.loss) best = { weights: copyOf(weights), loss }
    }
  } finally {
    report.finish({ 'validation loss': best.loss.toFixed(3), untrained: untrainedLoss.toFixed(3) })
    tf.dispose(levels as unknown as tf.TensorContainer)
  }
  return { ...best, untrainedLoss }
}

function diverged(epoch: number, step: number): RecommenderError {
  return new RecommenderError(
    'TRAINING_DIVERGED',
    `the decoder's loss is no longer a number in epoch ${epoch}, step ${step}: lower its learning rate`
  )
}

/** One level of the trie with what its codes are scored by. */
interface Level extends Record<string, unknown> {
  readonly scored: LevelTensors
  /** [K] int32, counted from the first node of the level above. */
  readonly parents: tf.Tensor1D
}

function levelsOf(trie: Trie, moments: NodeMoments): Level[] {
  return Array.from({ length: trie.depth }, (_, above) => {
    const [start, end] = [trie.levelStarts[above + 1]!, trie.levelStarts[above + 2]!]
    const parents = trie.parent.slice(start, end).map(parent => parent - trie.levelStarts[above]!)
    return {
      scored: levelTensors(moments, start, end, above + 1 < trie.depth),
      parents: tf.tensor1d(parents, 'int32')
    }
  })
}

function levelTensors(
  { width: D, rank, ...moments }: NodeMoments,
  start: number,
  end: number,
  isInner: boolean
): LevelTensors {
  const matrix = (values: Float32Array) => tf.tensor2d(values, [end - start, D])
  const logCounts = tf.tensor1d(moments.logCounts.slice(start, end))
  const means = matrix(moments.means.slice(start * D, end * D))
  if (!isInner) return { logCounts, means }
  const directions = Array.from({ length: rank }, (_, r) => {
    const rows = new Float32Array((end - start) * D)
    for (let node = start; node < end; node++) {
      const from = (node * rank + r) * D
      rows.set(moments.directions.subarray(from, from + D), (node - start) * D)
    }
    return matrix(rows)
  })
  const diagonal = matrix(moments.diagonals.slice(start * D, end * D))
  return { logCounts, means, covariance: { directions, diagonal } }
}

/** Mean over questions of -log P(item ID of the target): the sum of its codes' losses. */
function pathLoss(
  trie: Trie,
  levels: readonly Level[],
  weights: Readonly<Record<string, tf.Tensor>>,
  questions: readonly Question[]
): tf.Scalar {
  const width = questions[0]!.state.length
  const sessions = tf.tensor2d(stack(questions, width), [questions.length, width])
  let nodes: Int32Array = Int32Array.from(questions, ({ target }) => trie.leaf[target]!)
  const losses: tf.Scalar[] = []
  for (let above = levels.length - 1; above >= 0; above--) {
    const parents: Int32Array = nodes.map(node => trie.parent[node]!)
    const level = levels[above]!
    const [nodeIds, parentIds] = [local(nodes, trie, above + 1), local(parents, trie, above)]
    const means =
      above === 0
        ? tf.zerosLike(sessions)
        : (tf.gather(levels[above - 1]!.scored.means, parentIds) as tf.Tensor2D)
    const scores = levelScores(decoderStates(weights, sessions, means, above), level.scored)
    losses.push(codeCrossEntropy(scores, level.parents, nodeIds, parentIds))
    nodes = parents
  }
  return tf.addN(losses) as tf.Scalar
}

/** Nodes counted from the first one of their level. */
function local(nodes: Int32Array, trie: Trie, level: number): tf.Tensor1D {
  return tf.tensor1d(
    nodes.map(node => node - trie.levelStarts[level]!),
    'int32'
  )
}

function stack(questions: readonly Question[], width: number): Float32Array {
  const states = new Float32Array(questions.length * width)
  questions.forEach(({ state }, row) => {
    states.set(state, row * width)
  })
  return states
}

function validationLoss(
  { trie, validation, recipe }: DecoderTask,
  levels: readonly Level[],
  weights: NamedArrays
): number {
  let sum = 0
  for (let start = 0; start < validation.length; start += recipe.clicksPerBatch) {
    const batch = validation.slice(start, start + recipe.clicksPerBatch)
    const loss = tf.tidy(() => pathLoss(trie, levels, tensorsOf(weights), batch).dataSync()[0]!)
    sum += loss * batch.length
  }
  return sum / validation.length
}
