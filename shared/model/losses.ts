// The training objectives. Cross-entropy over the whole catalogue is computed in chunks with its own
// gradient, so that [T, I] logits never exist at once.
import * as tf from '@tensorflow/tfjs-core'
import type { Save } from './layers.ts'

/**
 * Mean cross-entropy of the next item over the whole catalogue (full softmax).
 *
 * The gradient is accumulated chunk by chunk in the forward pass and only scaled in the backward
 * pass: it is linear in the upstream gradient, a single number.
 *
 * @param states [T, D] session states.
 * @param itemVectors [I, D].
 * @param targets [T] int32, the item that came next.
 * @param chunkLogits logits that may exist at once.
 * @returns a scalar.
 */
export function itemCrossEntropy(
  states: tf.Tensor2D,
  itemVectors: tf.Tensor2D,
  targets: tf.Tensor1D,
  chunkLogits = 1 << 22
): tf.Scalar {
  const loss = tf.customGrad((...inputs) => {
    const save = inputs.pop() as unknown as Save
    const [h, v] = inputs as [tf.Tensor2D, tf.Tensor2D]
    const [T, I] = [h.shape[0], v.shape[0]]
    const size = Math.max(1, Math.floor(chunkLogits / I))
    let total: tf.Tensor = tf.scalar(0)
    let itemGradient: tf.Tensor = tf.zerosLike(v)
    const stateGradients: tf.Tensor2D[] = []
    for (let start = 0; start < T; start += size) {
      const count = Math.min(size, T - start)
      const [sum, dStates, dItems] = tf.tidy(() =>
        chunkGradients(tf.slice(h, [start, 0], [count, -1]), v, tf.slice(targets, start, count))
      )
      total = tf.add(total, sum)
      itemGradient = tf.add(itemGradient, dItems)
      stateGradients.push(dStates)
    }
    save([tf.concat(stateGradients), itemGradient])
    return {
      value: tf.div(total, T),
      gradFunc: (upstream: tf.Tensor, saved: tf.Tensor[]) =>
        saved.map(gradient => tf.mul(gradient, tf.div(upstream, T)))
    }
  })
  return loss(states, itemVectors) as tf.Scalar
}

/** Sum of losses of a chunk, and its gradients to states [t, D] and item vectors [I, D]. */
function chunkGradients(
  states: tf.Tensor2D,
  itemVectors: tf.Tensor2D,
  targets: tf.Tensor1D
): [tf.Tensor, tf.Tensor2D, tf.Tensor2D] {
  const logits = tf.matMul(states, itemVectors, false, true) // [t, I]
  const hit = oneHot(targets, itemVectors.shape[0]) // [t, I]
  const normaliser = tf.logSumExp(logits, -1, true) // [t, 1]
  const picked = tf.sum(tf.mul(states, tf.gather(itemVectors, targets)), -1, true) // [t, 1]
  const error = tf.sub(tf.exp(tf.sub(logits, normaliser)), hit) as tf.Tensor2D // softmax - target
  return [
    tf.sum(tf.sub(normaliser, picked)),
    tf.matMul(error, itemVectors),
    tf.matMul(error, states, true, false)
  ]
}

/**
 * Mean cross-entropy over a small number of classes; positions with target -1 (class not known) are
 * left out.
 *
 * @param logits [T, C]; @param targets [T] int32 in [-1, C). @returns a scalar.
 */
export function classCrossEntropy(logits: tf.Tensor2D, targets: tf.Tensor1D): tf.Scalar {
  const known = tf.cast(tf.greaterEqual(targets, 0), 'float32') // [T]
  const hit = oneHot(targets, logits.shape[1]) // [T, C], a row of zeros for -1
  const losses = tf.mul(tf.neg(tf.sum(tf.mul(hit, tf.logSoftmax(logits)), -1)), known) // [T]
  return tf.div(tf.sum(losses), tf.maximum(tf.sum(known), 1))
}

/** Rows with a one at each target and of zeros for -1: tf.oneHot, which refuses a single class. */
export function oneHot(targets: tf.Tensor1D, classes: number): tf.Tensor2D {
  const hits = tf.oneHot(targets, Math.max(2, classes)) as tf.Tensor2D
  return classes > 1 ? hits : tf.slice(hits, 0, [-1, classes])
}
