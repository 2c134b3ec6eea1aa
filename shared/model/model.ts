// The session model: items from their metadata (M2TRec, Shalaby et al. 2022, arXiv 2209.11824), all
// features in one multiplexed table (Unified Embedding, Coleman et al. 2023, arXiv 2305.12102), a
// causal transformer over the session, and heads for the next item and its categories. The token
// decoder that generates item IDs stands in decoder.ts.
//
// Axis key: B sessions, N positions, D width, H heads, I items, F columns of the item encoder,
// E width of a table row, R rows of the table, C classes of a category level.
import * as tf from '@tensorflow/tfjs-core'
import type { Random } from '#shared/runtime/random.ts'
import {
  causalAttention,
  type Dropout,
  futureMask,
  gelu,
  linear,
  noDropout,
  rmsNorm
} from './layers.ts'

/** What a session's state is: that of its newest click, or an average over all of them. */
export const poolings = ['last', 'mean', 'attention'] as const
export type Pooling = (typeof poolings)[number]

export interface ModelConfig {
  /** D: width of item vectors and session states. */
  readonly width: number
  /** E: width of one table row. The item key is looked up D / E times, so E divides D. */
  readonly rowWidth: number
  /** F: columns of the item encoder, from the feature layout. */
  readonly columns: number
  /** R: rows of the table that are kept. */
  readonly rows: number
  /** Transformer blocks. */
  readonly blocks: number
  readonly heads: number
  /** Absent: 'last'. */
  readonly pooling?: Pooling
  /** Clicks of a session that are read, the newest; also the number of learned positions. */
  readonly maxLength: number
  /** Event types, see shared/events. */
  readonly eventTypes: number
  /** Buckets of the time since the previous click, see gapBucket. */
  readonly gapBuckets: number
  /** C of each category level that has a head. */
  readonly categoryClasses: readonly number[]
}

/** Every weight by name. Whoever made the tensors disposes them. */
export type Weights = Readonly<Record<string, tf.Tensor>>

/** Sessions side by side, padded on the right with zeros. All [B, N] int32. */
export interface SessionTensors {
  readonly items: tf.Tensor2D
  readonly types: tf.Tensor2D
  readonly gaps: tf.Tensor2D
}

/** What the item encoder reads: rows of the table, summed by embedBags. */
export interface ItemTensors {
  /** [I, F * E]: the columns of the item's features side by side. */
  readonly metadata: tf.Tensor2D
  /** [I, D]: the chunks of its key side by side. */
  readonly key: tf.Tensor2D
}

/** Fresh weights. The same seed gives the same weights. @returns tensors owned by the caller. */
export function initialWeights(config: ModelConfig, random: Random): Weights {
  const { width: D, rowWidth: E, columns: F } = config
  const normal = (shape: number[], deviation: number) => {
    const size = shape.reduce((product, axis) => product * axis, 1)
    return tf.tensor(
      Float32Array.from({ length: size }, () => random.normal() * deviation),
      shape
    )
  }
  const weights: Record<string, tf.Tensor> = {
    table: normal([config.rows, E], 0.02),
    'items.projection': normal([F * E, D], (F * E) ** -0.5),
    'items.norm': tf.fill([D], D ** -0.5),
    'session.positions': normal([config.maxLength, D], 0.02),
    'session.types': normal([config.eventTypes, D], 0.02),
    'session.gaps': normal([config.gapBuckets, D], 0.02),
    'session.norm': tf.ones([D])
  }
  for (let b = 0; b < config.blocks; b++) {
    Object.assign(weights, {
      [`block${b}.attention.norm`]: tf.ones([D]),
      [`block${b}.attention.projection`]: normal([D, 3 * D], D ** -0.5),
      [`block${b}.attention.output`]: normal([D, D], (D * 2 * config.blocks) ** -0.5),
      [`block${b}.attention.distance`]: tf.zeros([config.maxLength, config.heads]),
      [`block${b}.feedforward.norm`]: tf.ones([D]),
      [`block${b}.feedforward.up`]: normal([D, 4 * D], D ** -0.5),
      [`block${b}.feedforward.upBias`]: tf.zeros([4 * D]),
      [`block${b}.feedforward.down`]: normal([4 * D, D], (4 * D * 2 * config.blocks) ** -0.5),
      [`block${b}.feedforward.downBias`]: tf.zeros([D])
    })
  }
  if (config.pooling === 'attention') weights['session.query'] = normal([D], 0.02)
  config.categoryClasses.forEach((C, level) => {
    weights[`category${level}.weight`] = normal([D, C], 0.02)
    weights[`category${level}.bias`] = tf.zeros([C])
  })
  return weights
}

/**
 * Item vectors. The metadata part is normalised; the item's own key is added to it after the norm,
 * so that leaving the key out (a new item) leaves a vector that training has seen.
 *
 * @param keyMask [I, 1]: 0 drops the key of an item; absent keeps every key.
 * @returns [I, D] float32, owned by the caller.
 */
export function encodeItems(
  weights: Weights,
  config: ModelConfig,
  items: ItemTensors,
  keyMask?: tf.Tensor2D
): tf.Tensor2D {
  return tf.tidy(() => {
    const shownKey = keyMask ? tf.mul(items.key, keyMask) : items.key // [I, D]
    if (config.columns === 0) return tf.clone(shownKey) as tf.Tensor2D // no item has an attribute
    const columns = linear(items.metadata, weights['items.projection']!)
    const metadata = rmsNorm(columns, weights['items.norm']!)
    return tf.add(metadata, shownKey) as tf.Tensor2D
  })
}

/**
 * Session states: position n of the result has read clicks 0..n and predicts click n + 1.
 *
 * @param itemVectors [I, D] from encodeItems.
 * @param drop applied to the input, the attention and each block's output.
 * @returns [B, N, D] float32, owned by the caller.
 */
export function encodeSessions(
  weights: Weights,
  config: ModelConfig,
  itemVectors: tf.Tensor2D,
  sessions: SessionTensors,
  drop: Dropout = noDropout
): tf.Tensor3D {
  return tf.tidy(() => {
    const N = sessions.items.shape[1]
    const clicks = tf.mul(gatherRows(itemVectors, sessions.items), config.width ** 0.5) // [B, N, D]
    const positions = tf.slice(weights['session.positions'] as tf.Tensor2D, 0, N) // [N, D]
    const types = gatherRows(weights['session.types'] as tf.Tensor2D, sessions.types)
    const gaps = gatherRows(weights['session.gaps'] as tf.Tensor2D, sessions.gaps)
    let x = drop(tf.add(tf.addN([clicks, types, gaps]), positions)) as tf.Tensor3D // [B, N, D]
    for (let b = 0; b < config.blocks; b++) x = transformerBlock(weights, `block${b}`, x, drop)
    return rmsNorm(poolStates(weights, config, x), weights['session.norm']!) as tf.Tensor3D
  })
}

/** Averages each state with those before it, evenly or by how much each answers a learned query. */
function poolStates(weights: Weights, { pooling, width }: ModelConfig, x: tf.Tensor3D): tf.Tensor {
  if (pooling === undefined || pooling === 'last') return x
  const [B, N] = x.shape
  const scores =
    pooling === 'attention'
      ? tf.mul(tf.sum(tf.mul(x, weights['session.query']!), -1), width ** -0.5) // [B, N]
      : tf.zeros([B, N])
  const shares = tf.softmax(tf.add(tf.expandDims(scores, 1), futureMask(N))) // [B, N, N]
  return tf.matMul(shares as tf.Tensor3D, x) // [B, N, D]
}

function transformerBlock(
  weights: Weights,
  name: string,
  x: tf.Tensor3D,
  drop: Dropout
): tf.Tensor3D {
  const read = (part: string) => weights[`${name}.${part}`]!
  const attention = causalAttention(
    rmsNorm(x, read('attention.norm')) as tf.Tensor3D,
    {
      projection: read('attention.projection'),
      output: read('attention.output'),
      distanceBias: read('attention.distance')
    },
    drop
  )
  const attended = tf.add(x, drop(attention)) as tf.Tensor3D
  const inner = gelu(
    linear(
      rmsNorm(attended, read('feedforward.norm')),
      read('feedforward.up'),
      read('feedforward.upBias')
    )
  )
  const outer = linear(inner, read('feedforward.down'), read('feedforward.downBias'))
  return tf.add(attended, drop(outer)) as tf.Tensor3D
}

/** Logits of a category level. @param states [T, D]. @returns [T, C]. */
export function categoryLogits(weights: Weights, level: number, states: tf.Tensor2D): tf.Tensor2D {
  return linear(
    states,
    weights[`category${level}.weight`]!,
    weights[`category${level}.bias`]!
  ) as tf.Tensor2D
}

/** Rows of a matrix at indices [B, N]. @returns [B, N, D]. */
function gatherRows(matrix: tf.Tensor2D, indices: tf.Tensor2D): tf.Tensor3D {
  const flat = tf.gather(matrix, tf.reshape(indices, [-1]) as tf.Tensor1D) // [B * N, D]
  return tf.reshape(flat, [...indices.shape, matrix.shape[1]])
}
