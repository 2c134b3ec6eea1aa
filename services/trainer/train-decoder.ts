// Trains the token decoder on the states of a finished encoder. The encoder stays as it is: trained
// together, the decoder's loss cost the dense head quality (Beauty NDCG@10 .057 -> .054, prototype).
import { setImmediate } from 'node:timers/promises'
import * as tf from '@tensorflow/tfjs-core'
import type { Question } from '#shared/evaluation/evaluate.ts'
import type { NodeMoments } from '#shared/inference/node-moments.ts'
import { rowsOf } from '#shared/itemids/scheme.ts'
import type { Trie } from '#shared/itemids/trie.ts'
import { decoderStates, initialDecoder, type LevelTensors } from '#shared/model/decoder.ts'
import type { NamedArrays } from '#shared/model/safetensors.ts'
import { copyOf, takenFrom, tensorsOf } from '#shared/model/weights.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { Random } from '#shared/runtime/random.ts'
import { createAdamW } from './adamw.ts'
import { codeLoss, rootLoss, rootTensors, type ScoredTrie } from './code-loss.ts'
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
  const root = rootTensors(task)
  const weights = takenFrom(initialDecoder(moments.width, trie.depth, random))
  const optimizer = createAdamW(recipe.optimizer)
  const size = recipe.clicksPerBatch
  const steps = Math.ceil(task.training.length / size) * recipe.decoderEpochs
  const untrainedLoss = validationLoss(task, root, weights)
  let best = { weights: copyOf(weights), loss: untrainedLoss }
  let step = 0

  report.start('training the decoder', steps)
  try {
    for (let epoch = 1; epoch <= recipe.decoderEpochs; epoch++) {
      const order = random.shuffle(task.training.slice())
      for (let start = 0; start < order.length; start += size) {
        const batch = order.slice(start, start + size)
        const { loss, gradients } = gradientsOf(
          tensors => pathLoss({ ...task, root }, tensors, batch),
          weights
        )
        if (!Number.isFinite(loss)) throw diverged(epoch, step)
        const dense = Object.entries(gradients).map(([name, values]) => [name, { values }] as const)
        const rate = learningRateAt(step / steps, recipe.decoderLearningRate)
        optimizer.step(weights, Object.fromEntries(dense), rate)
        report.update(++step, { epoch, loss: loss.toFixed(3) })
        await setImmediate()
      }
      const loss = validationLoss(task, root, weights)
      if (loss < best.loss) best = { weights: copyOf(weights), loss }
    }
  } finally {
    report.finish({ 'validation loss': best.loss.toFixed(3), untrained: untrainedLoss.toFixed(3) })
    tf.dispose(root as unknown as tf.TensorContainer)
  }
  return { ...best, untrainedLoss }
}

function diverged(epoch: number, step: number): RecommenderError {
  return new RecommenderError(
    'TRAINING_DIVERGED',
    `the decoder's loss is no longer a number in epoch ${epoch}, step ${step}: lower its learning rate`
  )
}

/** Mean over questions of -log P(item ID of the target): the sum of its codes' losses. */
function pathLoss(
  { trie, moments, root }: ScoredTrie & { readonly root: LevelTensors },
  weights: Readonly<Record<string, tf.Tensor>>,
  questions: readonly Question[]
): tf.Scalar {
  const { width } = moments
  const shape: [number, number] = [questions.length, width]
  const sessions = tf.tensor2d(stack(questions, width), shape)
  const losses: tf.Scalar[] = []
  let next: Int32Array = Int32Array.from(questions, ({ target }) => trie.leaf[target]!)
  for (let written = trie.depth - 1; written >= 0; written--) {
    const nodes: Int32Array = next.map(node => trie.parent[node]!)
    const means =
      written === 0 ? tf.zeros(shape) : tf.tensor2d(rowsOf(moments.means, width, nodes), shape)
    const states = decoderStates(weights, sessions, means as tf.Tensor2D, written)
    const loss =
      written === 0
        ? rootLoss(root, states, next)
        : codeLoss({ trie, moments }, states, nodes, next)
    losses.push(loss)
    next = nodes
  }
  return tf.addN(losses) as tf.Scalar
}

function stack(questions: readonly Question[], width: number): Float32Array {
  const states = new Float32Array(questions.length * width)
  questions.forEach(({ state }, row) => {
    states.set(state, row * width)
  })
  return states
}

function validationLoss(task: DecoderTask, root: LevelTensors, weights: NamedArrays): number {
  const { validation, recipe } = task
  let sum = 0
  for (let start = 0; start < validation.length; start += recipe.clicksPerBatch) {
    const batch = validation.slice(start, start + recipe.clicksPerBatch)
    const loss = tf.tidy(
      () => pathLoss({ ...task, root }, tensorsOf(weights), batch).dataSync()[0]!
    )
    sum += loss * batch.length
  }
  return sum / validation.length
}
