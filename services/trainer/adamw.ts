// AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) over named weights, with the global gradient
// norm clipped first. TF.js has Adam, but without decoupled decay.
import * as tf from '@tensorflow/tfjs-core'
import type { Weights } from '#shared/model/model.ts'

export interface AdamWConfig {
  readonly beta1: number
  readonly beta2: number
  /** Decoupled decay per step, times the learning rate; applied to matrices only. */
  readonly weightDecay: number
  /** Gradients are scaled down to this global norm. */
  readonly clipNorm: number
}

export interface AdamW {
  /** Replaces the values of `variables`; returns the gradient norm before clipping. */
  step(
    variables: Readonly<Record<string, tf.Variable>>,
    gradients: Weights,
    learningRate: number
  ): number
  dispose(): void
}

export function createAdamW(config: AdamWConfig): AdamW {
  const moments = new Map<string, { first: tf.Variable; second: tf.Variable }>()
  let steps = 0

  const momentsOf = (name: string, like: tf.Tensor) => {
    let found = moments.get(name)
    if (!found) {
      found = tf.tidy(() => ({
        first: tf.variable(tf.zerosLike(like), false),
        second: tf.variable(tf.zerosLike(like), false)
      }))
      moments.set(name, found)
    }
    return found
  }

  return {
    step(variables, gradients, learningRate) {
      steps++
      const norm = globalNorm(gradients)
      const scale = norm > config.clipNorm ? config.clipNorm / norm : 1
      const rate =
        (learningRate * Math.sqrt(1 - config.beta2 ** steps)) / (1 - config.beta1 ** steps)
      for (const [name, gradient] of Object.entries(gradients)) {
        const variable = variables[name]!
        const { first, second } = momentsOf(name, variable)
        tf.tidy(() => {
          const g = tf.mul(gradient, scale)
          first.assign(tf.add(tf.mul(first, config.beta1), tf.mul(g, 1 - config.beta1)))
          second.assign(
            tf.add(tf.mul(second, config.beta2), tf.mul(tf.square(g), 1 - config.beta2))
          )
          const change = tf.mul(tf.div(first, tf.add(tf.sqrt(second), 1e-8)), rate)
          const decay = variable.rank > 1 ? config.weightDecay * learningRate : 0
          variable.assign(tf.sub(decay > 0 ? tf.mul(variable, 1 - decay) : variable, change))
        })
      }
      return norm
    },
    dispose() {
      for (const { first, second } of moments.values()) tf.dispose([first, second])
      moments.clear()
    }
  }
}

function globalNorm(gradients: Weights): number {
  return tf.tidy(() => {
    const squares = Object.values(gradients).map(gradient => tf.sum(tf.square(gradient)))
    return Math.sqrt(tf.addN(squares).dataSync()[0]!)
  })
}
