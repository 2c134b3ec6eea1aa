// The training objectives. Cross-entropy over the whole catalogue is computed in chunks with its own
// gradient, so that [T, I] logits never exist at once.
import * as tf from '@tensorflow/tfjs-core'
import type { Save } from './layers.ts'

/**
 * Mean cross-entropy of the next item over candidates: the whole catalogue (full softmax), or targets
 * and sampled negatives.
 *
 * A sampled candidate stands for 1 / (chance that it is among the candidates) others, except that the
 * target is always there: the sum of exponents is then right on average (Jean et al. 2015, arXiv
 * 1412.2007, with the target's own correction left out: Khrylchenko et al. 2025, arXiv 2507.09331).
 *
 * The gradient is accumulated chunk by chunk in the forward pass and only scaled in the backward
 * pass: it is linear in the upstream gradient, a single number.
 *
 * @param states [T, D] session states.
 * @param candidates [I, D] item vectors.
 * @param targets [T] int32, the candidate that came next.
 * @param inclusion [I] chance of each candidate to be one; absent when all items are candidates.
 * @param chunkLogits logits that may exist at once.
 * @returns a scalar, at most 87 for each target (where float32 ends).
 */
export function itemCrossEntropy(
  states: tf.Tensor2D,
  candidates: tf.Tensor2D,
  targets: tf.Tensor1D,
  inclusion?: tf.Tensor1D,
  chunkLogits = 1 << 22
): tf.Scalar {
  const loss = tf.customGrad((...inputs) => {
    const save = inputs.pop() as unknown as Save
    const [h, v] = inputs as [tf.Tensor2D, tf.Tensor2D]
    const [T, I] = [h.shape[0], v.shape[0]]
    const own = inclusion ? tf.gather(inclusion, targets) : tf.ones([T]) // [T]
    const logInclusion = inclusion && tf.log(inclusion)
    const size = Math.max(1, Math.floor(chunkLogits / I))
    const parts: { chance: tf.Tensor; states: tf.Tensor }[] = []
    let pushed: tf.Tensor = tf.zeros([v.shape[1], I]) // [D, I]
    for (let start = 0; start < T; start += size) {
      const count = Math.min(size, T - start)
      const part = tf.tidy(() =>
        softmaxChunk({
          states: tf.slice(h, [start, 0], [count, -1]),
          candidates: v,
          targets: tf.slice(targets, start, count),
          own: tf.slice(own, start, count),
          logInclusion
        })
      )
      const sum = tf.add(pushed, part.candidates)
      tf.dispose([pushed, part.candidates])
      pushed = sum
      parts.push(part)
    }
    const chance = tf.concat(parts.map(part => part.chance)) // [T]
    const mass = massOf(chance, own) // [T]
    // The target is pushed by 1, and by what its exponent was counted too much for.
    const pull = tf.expandDims(tf.add(1, tf.div(tf.mul(chance, tf.sub(1, own)), mass)), 1) // [T, 1]
    const toStates = tf.sub(
      tf.concat(parts.map(part => part.states)),
      tf.mul(pull, tf.gather(v, targets))
    )
    const pulled = tf.unsortedSegmentSum(tf.mul(pull, h), targets, I) // [I, D]
    save([toStates, tf.sub(tf.transpose(pushed), pulled)])
    const likelihood = tf.div(tf.mul(chance, own), mass)
    return {
      value: tf.neg(tf.mean(tf.log(tf.maximum(likelihood, 1e-38)))) as tf.Scalar,
      gradFunc: (upstream: tf.Tensor, saved: tf.Tensor[]) =>
        saved.map(gradient => tf.mul(gradient, tf.div(upstream, T)))
    }
  })
  return loss(states, candidates) as tf.Scalar
}

/** Share of the exponents that is left when the target's own is counted once. [T] */
function massOf(chance: tf.Tensor, own: tf.Tensor): tf.Tensor {
  // 1 - chance (1 - own), added up so that a chance of one leaves exactly its own.
  return tf.maximum(tf.add(tf.sub(1, chance), tf.mul(chance, own)), 1e-7)
}

interface Chunk {
  readonly states: tf.Tensor2D
  readonly candidates: tf.Tensor2D
  readonly targets: tf.Tensor1D
  readonly own: tf.Tensor
  readonly logInclusion: tf.Tensor | undefined
}

/** Chance of each target [t]; what all candidates pull at the states [t, D], and are pulled [D, I]. */
function softmaxChunk({ states, candidates, targets, own, logInclusion }: Chunk) {
  const [t, I] = [states.shape[0], candidates.shape[0]]
  const logits = tf.matMul(states, candidates, false, true) // [t, I]
  const chances = tf.softmax(logInclusion ? tf.sub(logits, logInclusion) : logits) as tf.Tensor2D
  const places = tf.add(tf.mul(tf.range(0, t, 1, 'int32'), I), targets)
  const chance = tf.gather(tf.reshape(chances, [-1]), tf.cast(places, 'int32')) // [t]
  const mass = tf.expandDims(massOf(chance, own), 1) // [t, 1]
  return {
    chance,
    states: tf.div(tf.matMul(chances, candidates), mass),
    candidates: tf.matMul(tf.div(states, mass) as tf.Tensor2D, chances, true, false)
  }
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
function oneHot(targets: tf.Tensor1D, classes: number): tf.Tensor2D {
  const hits = tf.oneHot(targets, Math.max(2, classes)) as tf.Tensor2D
  return classes > 1 ? hits : tf.slice(hits, 0, [-1, classes])
}
