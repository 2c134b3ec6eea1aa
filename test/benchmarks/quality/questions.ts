// What held-out sessions ask, and where a method places the answer.
import type { Asked } from '#services/trainer/training-set.ts'
import type { SessionInput } from '#shared/recommendations/session-input.ts'

/** A prefix of a session and what was clicked after it. */
export interface Prompt {
  /** Oldest first. */
  readonly clicked: Int32Array
  readonly target: number
}

/** Places of the targets by method, from 1; Infinity where the target is not listed. */
export type Places = Map<string, readonly number[]>

/** In the order of questionsOf, which also encodes them. */
export function promptsOf(sessions: readonly SessionInput[], asked: Asked): Prompt[] {
  return sessions.flatMap(({ items }) => {
    const all = Array.from(items.subarray(1), (target, n) => ({
      clicked: items.subarray(0, n + 1),
      target
    }))
    return asked === 'every-click' ? all : all.slice(-1)
  })
}

export function listPlaces<P extends Prompt>(
  prompts: readonly P[],
  recommend: (prompt: P) => readonly number[]
): number[] {
  return prompts.map(prompt => {
    const place = recommend(prompt).indexOf(prompt.target)
    return place < 0 ? Number.POSITIVE_INFINITY : place + 1
  })
}
