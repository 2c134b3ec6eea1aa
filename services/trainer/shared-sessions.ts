// Sessions in memory that threads share: four arrays instead of three small ones for each session, which
// take ten times as long to send, and far more memory (200,000 sessions: 1.5 s and 416 MB, against .14 s
// and 30 MB; 2026-11).
import type { SessionInput } from '#shared/recommendations/session-input.ts'

/** Sent to another thread, nothing of it is copied. */
export interface SharedSessions {
  /** [sessions + 1] where each begins in the arrays below. */
  readonly starts: Int32Array
  /** [clicks of all sessions], see SessionInput. */
  readonly items: Int32Array
  readonly types: Int32Array
  readonly gaps: Int32Array
}

export function shareSessions(sessions: readonly SessionInput[]): SharedSessions {
  const starts = sharedArray(sessions.length + 1)
  sessions.forEach(({ items }, i) => {
    starts[i + 1] = starts[i]! + items.length
  })
  const join = (part: keyof SessionInput) => {
    const joined = sharedArray(starts[sessions.length]!)
    sessions.forEach((session, i) => {
      joined.set(session[part], starts[i]!)
    })
    return joined
  }
  return { starts, items: join('items'), types: join('types'), gaps: join('gaps') }
}

/** Views of that memory. */
export function openSessions({ starts, items, types, gaps }: SharedSessions): SessionInput[] {
  return Array.from({ length: starts.length - 1 }, (_, i) => {
    const [start, end] = [starts[i], starts[i + 1]]
    return {
      items: items.subarray(start, end),
      types: types.subarray(start, end),
      gaps: gaps.subarray(start, end)
    }
  })
}

function sharedArray(length: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4 * length))
}
