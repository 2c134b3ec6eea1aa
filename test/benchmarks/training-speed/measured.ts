// What one runner of the training-speed benchmark prints as JSON.

export interface Measured {
  readonly msPerStep: number
  readonly examplesPerSecond: number
  /** Of each part of a step, adding up to one. */
  readonly shares: Readonly<Record<string, number>>
  /** Of the first batch with the first weights, nothing dropped: the same for every runner. */
  readonly firstLoss: number
  readonly lastLoss: number
  readonly memory: { readonly early: MemoryAt; readonly late: MemoryAt }
  readonly peakMegabytes: number
}

export interface MemoryAt {
  readonly step: number
  readonly megabytes: number
}

export const seed = 1
/** Constant, so that all runners can have it. */
export const learningRate = 0.001
/** Steps that are not timed: kernels are loaded, buffers are made. */
export const warmUpSteps = 3

/** After which step memory is read first: the hundredth, or a tenth of fewer than a thousand. */
export function earlyStep(steps: number): number {
  return Math.max(1, Math.min(100, Math.floor(steps / 10)))
}
