// The loss of a step and its gradients, with weights as arrays on both sides: the optimizer works on
// arrays (see adamw.ts), the backend on tensors that live for one step.
import * as tf from '@tensorflow/tfjs-core'
import type { Weights } from '#shared/model/model.ts'
import type { NamedArrays } from '#shared/model/safetensors.ts'

export interface Differentiated {
  readonly loss: number
  /** Of every array that the loss depends on. */
  readonly gradients: Readonly<Record<string, Float32Array>>
}

/**
 * @param objective a scalar made from the arrays as tensors.
 * @param onForward called between the loss and its gradients.
 */
export function gradientsOf(
  objective: (weights: Weights) => tf.Scalar,
  arrays: NamedArrays,
  onForward?: () => void
): Differentiated {
  const names = Object.keys(arrays)
  const made = tf.tidy(() => {
    const tensors = names.map(name => tf.tensor(arrays[name]!.values, [...arrays[name]!.shape]))
    const forward = () => {
      const loss = objective(Object.fromEntries(names.map((name, i) => [name, tensors[i]!])))
      onForward?.()
      return loss
    }
    const { value, grads } = tf.engine().gradients(forward, tensors, undefined, true)
    return { value, grads } // tensors: tf.tidy would search arrays number by number
  })
  const found = names.flatMap((name, i) => {
    const gradient = made.grads[i] as tf.Tensor | null | undefined // null: the loss does not depend on it
    return gradient ? [[name, gradient.dataSync() as Float32Array] as const] : []
  })
  const loss = made.value.dataSync()[0]!
  tf.dispose([made.value, made.grads.filter(gradient => gradient)])
  return { loss, gradients: Object.fromEntries(found) }
}
