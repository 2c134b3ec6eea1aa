// The training objective of one batch: next item, and next category at each level (M2TRec, section 4.3).
import * as tf from '@tensorflow/tfjs-core'
import type { Dropout } from '#shared/model/layers.ts'
import { classCrossEntropy, itemCrossEntropy } from '#shared/model/losses.ts'
import {
  categoryLogits,
  encodeItems,
  encodeSessions,
  type ModelConfig,
  type Weights
} from '#shared/model/model.ts'
import type { Batch } from './batches.ts'
import type { Candidates } from './candidates.ts'

/** Names of what is read of the table, beside the weights: see readBags. */
export const bagNames = { metadata: 'bags.metadata', key: 'bags.key' } as const

/** All that the loss of one batch depends on beside the weights. */
export interface Objective {
  readonly config: ModelConfig
  readonly batch: Batch
  readonly candidates: Candidates
  readonly drop: Dropout
  /** [items of the candidates]: 0 hides the key of an item. */
  readonly keyMask: Float32Array
  /** For each category level, the class of each item or -1. */
  readonly classes: readonly Int32Array[]
  /** Of each level's loss; 0 leaves the categories out. */
  readonly categoryLossWeight: number | 'learned'
}

/** Logarithm of what a learned loss weight divides by (Kendall et al. 2018, arXiv 1705.07115). [1] */
export const logWeightName = (level: number) => `category${level}.logVariance`

/** @param weights of the model, with the bags that the candidates' items read. */
export function batchLoss(weights: Weights, objective: Objective): tf.Scalar {
  const { config, batch, candidates, drop, classes, categoryLossWeight } = objective
  const { metadata, key } = { metadata: weights[bagNames.metadata], key: weights[bagNames.key] }
  const bags = { metadata: metadata as tf.Tensor2D, key: key as tf.Tensor2D }
  const keyMask = tf.tensor2d(objective.keyMask, [objective.keyMask.length, 1])
  const vectors = encodeItems(weights, config, bags, keyMask) // [I, D]
  const sessions = sessionTensors(batch, candidates)
  const states = encodeSessions(weights, config, vectors, sessions, drop) // [B, N, D]
  const flat = tf.reshape(states, [-1, config.width]) // [B * N, D]
  const asked = tf.gather(flat, tf.tensor1d(batch.places, 'int32')) as tf.Tensor2D // [T, D]
  const heads = categoryLossWeight === 0 ? [] : classes
  const ofCategories = heads.map((ofItem, level) => {
    const known = tf.tensor1d(batch.targets.map(item => ofItem[item]!), 'int32') // biome-ignore format: one line
    const loss = classCrossEntropy(categoryLogits(weights, level, asked), known)
    return weighed(loss, categoryLossWeight, weights[logWeightName(level)])
  })
  return tf.addN([itemLoss(asked, vectors, objective), ...ofCategories]) as tf.Scalar
}

function itemLoss(asked: tf.Tensor2D, vectors: tf.Tensor2D, { batch, candidates }: Objective) {
  const { items, count, inclusion, placeOf } = candidates
  const ranked = count < items.length ? tf.slice(vectors, 0, count) : vectors
  const targets = tf.tensor1d(batch.targets.map(placeOf), 'int32')
  return itemCrossEntropy(asked, ranked, targets, inclusion && tf.tensor1d(inclusion))
}

function weighed(loss: tf.Tensor, weight: number | 'learned', logVariance?: tf.Tensor): tf.Tensor {
  if (weight !== 'learned') return tf.mul(loss, weight)
  return tf.sum(tf.add(tf.mul(loss, tf.exp(tf.neg(logVariance!))), logVariance!))
}

/** @param candidates give each item its place among the vectors of the step. */
export function sessionTensors(batch: Batch, { placeOf }: Pick<Candidates, 'placeOf'>) {
  const shape: [number, number] = [batch.size, batch.length]
  return {
    items: tf.tensor2d(batch.items.map(placeOf), shape, 'int32'),
    types: tf.tensor2d(batch.types, shape, 'int32'),
    gaps: tf.tensor2d(batch.gaps, shape, 'int32')
  }
}
