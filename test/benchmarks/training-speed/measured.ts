// What one runner of the training-speed benchmark prints as JSON.

export interface Measured {
  readonly msPerStep: number
  readonly examplesPerSecond: number
  /** Of each part of a step, adding up to one. */
  readonly shares: Readonly<Record<string, number>>
  /** Of the first batch with the first weights, nothing dropped: the same for every runner. */
  readonly firstLoss: number
  readonly lastLoss: number
  /** One reading after another, see isMemoryRead. */
  readonly memory: readonly MemoryAt[]
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

/** From which step on memory is read: the hundredth, or a tenth of fewer than a thousand. */
export function earlyStep(steps: number): number {
  return Math.max(1, Math.min(100, Math.floor(steps / 10)))
}

/** Steps from one reading of memory to the next: fifty in all, since one alone goes up and down. */
export function stepsPerReading(steps: number): number {
  return Math.max(1, Math.floor(steps / 50))
}

/** @param step of `steps`, from 1 on. */
export function isMemoryRead(step: number, steps: number): boolean {
  return step >= earlyStep(steps) && step % stepsPerReading(steps) === 0
}
