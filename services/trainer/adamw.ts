// AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) over named weights, with the global gradient
// norm clipped first. TF.js has Adam, but without decoupled decay and only for whole tensors: here a
// table is updated only in the rows that a step has read (lazy Adam), so that a step costs what it
// reads and not what the table holds. Plain loops over arrays: the same on every backend, and quicker
// than ten tensor operations for each weight.
import type { NamedArrays } from '#shared/model/safetensors.ts'

export interface AdamWConfig {
  readonly beta1: number
  readonly beta2: number
  /** Decoupled decay per step, times the learning rate; applied to matrices only. */
  readonly weightDecay: number
  /** Gradients are scaled down to this global norm. */
  readonly clipNorm: number
}

/** Gradient of a weight; `rows` are the rows of a table that it touches, absent when it is dense. */
export interface Gradient {
  readonly values: Float32Array
  readonly rows?: Int32Array
}

export interface AdamW {
  /** Changes `weights` in place; returns the gradient norm before clipping. */
  step(
    weights: NamedArrays,
    gradients: Readonly<Record<string, Gradient>>,
    learningRate: number
  ): number
}

export function createAdamW(config: AdamWConfig): AdamW {
  const moments = new Map<string, { first: Float32Array; second: Float32Array }>()
  let steps = 0

  const momentsOf = (name: string, size: number) => {
    const known = moments.get(name)
    if (known) return known
    const fresh = { first: new Float32Array(size), second: new Float32Array(size) }
    moments.set(name, fresh)
    return fresh
  }

  return {
    step(weights, gradients, learningRate) {
      steps++
      const norm = globalNorm(weights, gradients)
      const scale = norm > config.clipNorm ? config.clipNorm / norm : 1
      const rate =
        (learningRate * Math.sqrt(1 - config.beta2 ** steps)) / (1 - config.beta1 ** steps)
      for (const [name, gradient] of Object.entries(gradients)) {
        const { shape, values } = weights[name]!
        const keep = shape.length > 1 ? 1 - config.weightDecay * learningRate : 1
        update(
          values as Float32Array,
          { ...spansOf(gradient, shape), gradient: gradient.values },
          momentsOf(name, values.length),
          { ...config, scale, rate, keep }
        )
      }
      return norm
    }
  }
}

interface StepFactors extends Pick<AdamWConfig, 'beta1' | 'beta2'> {
  readonly scale: number
  readonly rate: number
  /** What decay leaves of a value. */
  readonly keep: number
}

/** The parts of a weight that its gradient reaches: `length` values from each of `starts`. */
interface Spans {
  readonly starts: Int32Array
  readonly length: number
}

function spansOf({ values, rows }: Gradient, shape: readonly number[]): Spans {
  if (!rows) return { starts: Int32Array.of(0), length: values.length }
  const length = shape.slice(1).reduce((product, axis) => product * axis, 1)
  return { starts: rows.map(row => row * length), length }
}

function update(
  values: Float32Array,
  { gradient, starts, length }: Spans & { readonly gradient: Float32Array },
  { first, second }: { readonly first: Float32Array; readonly second: Float32Array },
  { beta1, beta2, scale, rate, keep }: StepFactors
): void {
  for (const start of starts) {
    for (let i = start; i < start + length; i++) {
      const g = gradient[i]! * scale
      const m = beta1 * first[i]! + (1 - beta1) * g
      const v = beta2 * second[i]! + (1 - beta2) * g * g
      first[i] = m
      second[i] = v
      values[i] = keep * values[i]! - (rate * m) / (Math.sqrt(v) + 1e-8)
    }
  }
}

function globalNorm(weights: NamedArrays, gradients: Readonly<Record<string, Gradient>>): number {
  let squares = 0
  for (const [name, gradient] of Object.entries(gradients)) {
    const { values } = gradient
    const { starts, length } = spansOf(gradient, weights[name]!.shape)
    for (const start of starts) {
      for (let i = start; i < start + length; i++) squares += values[i]! * values[i]!
    }
  }
  return Math.sqrt(squares)
}
