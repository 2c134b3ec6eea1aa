// Where the time of training steps goes.
import type { ProgressFields } from '#shared/runtime/progress.ts'

export const stepParts = ['data', 'forward', 'backward', 'update'] as const
export type StepPart = (typeof stepParts)[number]

export function createStepClock() {
  const milliseconds: Record<StepPart, number> = { data: 0, forward: 0, backward: 0, update: 0 }
  const startedAt = performance.now()
  let last = startedAt

  return {
    milliseconds: milliseconds as Readonly<Record<StepPart, number>>,
    start() {
      last = performance.now()
    },
    /** Counts the time since the last call for this part. */
    lap(part: StepPart) {
      const now = performance.now()
      milliseconds[part] += now - last
      last = now
    },
    /** Of all steps so far, in percent. */
    shares(): ProgressFields {
      const all = stepParts.reduce((sum, part) => sum + milliseconds[part], 0)
      return Object.fromEntries(
        stepParts.map(part => [part, `${Math.round((100 * milliseconds[part]) / all)}%`])
      )
    },
    /** Of a count since the clock was made, for each second. */
    rate(count: number): number {
      return Math.round(count / ((performance.now() - startedAt) / 1000))
    }
  }
}
