// Dropout for training. Drawing a fresh random number for every activation costs more than the
// layer it drops from, so masks are windows, at random offsets, of one long tape of random bits
// drawn once from the seed.
import * as tf from '@tensorflow/tfjs-core'
import { type Dropout, noDropout } from '#shared/model/layers.ts'
import type { Random } from '#shared/runtime/random.ts'

/** Longer than the largest activation, so that two windows seldom overlap. */
const tapeLength = 1 << 22

/** A dropout that zeroes values with probability `rate`. The same seed draws the same masks. */
export function createDropout(rate: number, random: Random): Dropout {
  if (rate === 0) return noDropout
  const keep = 1 / (1 - rate)
  const tape = new Float32Array(tapeLength).map(() => (random.next() < rate ? 0 : keep))
  return values => {
    if (values.size > tapeLength) {
      throw new RangeError(`an activation of ${values.size} values exceeds the dropout tape`)
    }
    const start = random.integer(tapeLength - values.size + 1)
    const mask = tf.tensor(tape.subarray(start, start + values.size), values.shape)
    return tf.mul(values, mask) as typeof values
  }
}
