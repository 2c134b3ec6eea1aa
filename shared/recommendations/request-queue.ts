// Questions that wait for a thread: a queue of bounded length, in which nobody waits beyond a
// deadline. Whoever cannot be answered in time hears so early, while trying elsewhere still helps.
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { RecommendationQuery, RecommendedItem } from './answer-query.ts'

/** A question with what is owed for it. It is settled once; later outcomes change nothing. */
export interface Asked {
  readonly query: RecommendationQuery
  /** In ms of performance.now(). */
  readonly deadline: number
  /** Threads that died with it. */
  failures: number
  readonly isSettled: () => boolean
  resolve(items: RecommendedItem[]): void
  reject(error: Error): void
}

export interface QueueLimits {
  /** Questions that may wait. */
  readonly length: number
  /** From the question to its answer. */
  readonly deadlineMs: number
}

/** On a thread that answers in a millisecond, half a second of work for one core. */
export const standardQueue: QueueLimits = { length: 512, deadlineMs: 1000 }

export class RequestQueue {
  readonly #limits: QueueLimits
  readonly #waiting: Asked[] = []

  constructor(limits: QueueLimits) {
    this.#limits = limits
  }

  get length(): number {
    return this.#waiting.length
  }

  /** @throws RecommenderError OVERLOADED, worth a retry, when no more may wait or time is up. */
  ask(query: RecommendationQuery, now: number): Promise<RecommendedItem[]> {
    if (this.#waiting.length >= this.#limits.length) {
      return Promise.reject(overloaded(`${this.#waiting.length} questions wait already`))
    }
    return new Promise((resolve, reject) => {
      let isSettled = false
      const once =
        <T>(settle: (value: T) => void) =>
        (value: T) => {
          isSettled = true
          settle(value)
        }
      this.#waiting.push({
        query,
        deadline: now + this.#limits.deadlineMs,
        failures: 0,
        isSettled: () => isSettled,
        resolve: once(resolve),
        reject: once(reject)
      })
    })
  }

  /** Takes at most `count` that can still be answered in time, the oldest first. */
  take(count: number, now: number): Asked[] {
    const taken: Asked[] = []
    while (taken.length < count) {
      const next = this.#waiting.shift()
      if (!next) break
      if (next.deadline > now) taken.push(next)
      else next.reject(tooLate())
    }
    return taken
  }

  /** Puts back, before all others, what a thread died with. */
  putBack(asked: readonly Asked[]): void {
    this.#waiting.unshift(...asked)
  }

  /** Refuses those whose time is up. */
  refuseLate(now: number): void {
    const late = this.#waiting.filter(({ deadline }) => deadline <= now)
    if (late.length === 0) return
    const inTime = this.#waiting.filter(({ deadline }) => deadline > now)
    this.#waiting.splice(0, this.#waiting.length, ...inTime)
    for (const { reject } of late) reject(tooLate())
  }

  /** Fails all that wait. */
  clear(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }
}

export function tooLate(): RecommenderError {
  return overloaded('no thread was free in time')
}

function overloaded(reason: string): RecommenderError {
  return new RecommenderError('OVERLOADED', `too much is asked just now: ${reason}`, {
    canRetry: true
  })
}
