// The newest events of one session, in order: what serving knows of a visitor without reading the
// log. Merging is exact: merging batch after batch gives what a sort of the whole log would give.
import { timeOf } from './tail-text.ts'

/** Enough for every model here (they read at most 50 clicks), and still one small row. */
export const tailLength = 50

/**
 * The lines of a tail (tail-text.ts) after more events were logged: the newest by time, oldest first.
 * Of two events with the same time the one that the log has first is first.
 *
 * @param added in the order of the log, all of them behind the events of `tail`.
 */
export function mergeTail(tail: readonly string[], added: readonly string[]): string[] {
  const lines = [...tail, ...added]
  const isSorted = lines.every((line, i) => i === 0 || isInOrder(lines[i - 1]!, line))
  if (!isSorted) lines.sort(byTime)
  return lines.slice(-tailLength)
}

/** Lines begin with their time, so that only those of one time have to be looked at closer. */
function isInOrder(earlier: string, later: string): boolean {
  return later >= earlier || timeOf(later) === timeOf(earlier)
}

/** The sort is stable: ties keep their order. */
function byTime(a: string, b: string): number {
  const [timeA, timeB] = [timeOf(a), timeOf(b)]
  return timeA < timeB ? -1 : timeA > timeB ? 1 : 0
}
