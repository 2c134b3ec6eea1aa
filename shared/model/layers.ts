// The layers of the model, as pure functions of tensors. Gradients that TF.js would assemble from
// many small kernels are written out, because each kernel call costs more than its arithmetic here.
import * as tf from '@tensorflow/tfjs-core'

/** Keeps tensors of a forward pass for its gradient (the last argument of a tf.customGrad function). */
export type Save = (tensors: tf.Tensor[]) => void

/** Zeroes values at random and scales the rest; the identity when nothing is being trained. */
export type Dropout = <T extends tf.Tensor>(values: T) => T
export const noDropout: Dropout = values => values

/** x W + b over the last axis. @param x [..., I]; @param weight [I, O]; @param bias [O]. @returns [..., O]. */
export function linear(x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor): tf.Tensor {
  const rows = tf.reshape(x, [-1, weight.shape[0]!])
  const product = tf.matMul(rows as tf.Tensor2D, weight as tf.Tensor2D)
  const shifted = bias ? tf.add(product, bias) : product
  return tf.reshape(shifted, [...x.shape.slice(0, -1), weight.shape[1]!])
}

/**
 * Root-mean-square norm (Zhang and Sennrich 2019): x / rms(x) * scale over the last axis.
 *
 * @param x [..., D]; @param scale [D]. @returns [..., D].
 */
export function rmsNorm(x: tf.Tensor, scale: tf.Tensor): tf.Tensor {
  const normalise = tf.customGrad((...inputs) => {
    const save = inputs.pop() as unknown as Save
    const [values, factor] = inputs as [tf.Tensor, tf.Tensor]
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(values), -1, true), 1e-6)) // [..., 1]
    const unit = tf.mul(values, inverse) // [..., D]
    save([unit, inverse, factor])
    return {
      value: tf.mul(unit, factor),
      gradFunc: (upstream: tf.Tensor, saved: tf.Tensor[]) => {
        const [u, r, f] = saved as [tf.Tensor, tf.Tensor, tf.Tensor]
        const inner = tf.mul(upstream, f)
        const along = tf.mean(tf.mul(inner, u), -1, true) // [..., 1]
        const others = upstream.shape.slice(0, -1).map((_, axis) => axis)
        return [
          tf.mul(tf.sub(inner, tf.mul(u, along)), r),
          tf.sum(tf.mul(upstream, u), others) // [D]
        ]
      }
    }
  })
  return normalise(x, scale)
}

/** x * sigmoid(1.702 x), the sigmoid form of GELU (Hendrycks and Gimpel 2016, section 2). */
export function gelu(x: tf.Tensor): tf.Tensor {
  const activate = tf.customGrad((...inputs) => {
    const save = inputs.pop() as unknown as Save
    const [values] = inputs as [tf.Tensor]
    const gate = tf.sigmoid(tf.mul(values, 1.702))
    const value = tf.mul(values, gate)
    save([gate, value])
    return {
      value,
      gradFunc: (upstream: tf.Tensor, saved: tf.Tensor[]) => {
        const [g, y] = saved as [tf.Tensor, tf.Tensor]
        // d/dx = g + 1.702 y (1 - g)
        return tf.mul(upstream, tf.add(g, tf.mul(tf.mul(y, tf.sub(1, g)), 1.702)))
      }
    }
  })
  return activate(x)
}

export interface AttentionWeights {
  /** [D, 3 D]: query, key and value side by side. */
  readonly projection: tf.Tensor
  /** [D, D] */
  readonly output: tf.Tensor
  /** [distances, H]: what each head adds for looking back 0, 1, ... positions. */
  readonly distanceBias: tf.Tensor
}

/**
 * Causal multi-head self-attention with a learned bias per distance (Shaw et al. 2018 in the
 * simplified form of T5). A position sees itself and earlier ones only, so that sessions padded on
 * the right need no mask.
 *
 * @param x [B, N, D]. @returns [B, N, D].
 */
export function causalAttention(
  x: tf.Tensor3D,
  weights: AttentionWeights,
  drop: Dropout
): tf.Tensor3D {
  const [B, N, D] = x.shape
  const H = weights.distanceBias.shape[1]!
  const width = D / H
  const split = (part: number) => {
    const weight = tf.slice(weights.projection, [0, part * D], [D, D])
    const projected = tf.reshape(linear(x, weight), [B, N, H, width])
    return tf.transpose(projected, [0, 2, 1, 3]) as tf.Tensor4D // [B, H, N, D / H]
  }
  const [query, key, value] = [split(0), split(1), split(2)]
  const scores = tf.mul(tf.matMul(query, key, false, true), width ** -0.5) // [B, H, N, N]
  const attention = drop(tf.softmax(tf.add(scores, causalBias(weights.distanceBias, N)))) // [B, H, N, N]
  const heads = tf.transpose(tf.matMul(attention, value), [0, 2, 1, 3]) // [B, N, H, D / H]
  return linear(tf.reshape(heads, [B, N, D]), weights.output) as tf.Tensor3D
}

/** [H, N, N]: the distance bias below and on the diagonal, -1e9 above it. */
function causalBias(distanceBias: tf.Tensor, N: number): tf.Tensor3D {
  const H = distanceBias.shape[1]!
  const farthest = distanceBias.shape[0]! - 1
  const distances = new Int32Array(N * N)
  for (let from = 0; from < N; from++) {
    for (let to = 0; to < N; to++) {
      distances[from * N + to] = Math.min(Math.max(from - to, 0), farthest)
    }
  }
  const near = tf.gather(distanceBias, tf.tensor1d(distances, 'int32')) // [N * N, H]
  const bias = tf.reshape(tf.transpose(near as tf.Tensor2D), [H, N, N])
  return tf.add(bias, futureMask(N))
}

/** [N, N]: 0 where position n may read position m <= n, -1e9 after it. */
export function futureMask(N: number): tf.Tensor2D {
  const mask = new Float32Array(N * N)
  for (let n = 0; n < N; n++) mask.fill(-1e9, n * N + n + 1, (n + 1) * N)
  return tf.tensor2d(mask, [N, N])
}
