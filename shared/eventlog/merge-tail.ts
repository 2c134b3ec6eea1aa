// The newest events of one session, in order: what serving knows of a visitor without reading the
// log. Merging is exact: merging batch after batch gives what a sort of the whole log would give.
import type { EventType } from '#shared/events/event.ts'

/** Enough for every model here (they read at most 50 clicks), and still one small row. */
export const tailLength = 50

export interface TailEvent {
  readonly id: string
  readonly type: EventType
  readonly itemKey: string
  /** The producer's clock. */
  readonly occurredAt: Date
}

/**
 * The tail after more events were logged: the newest by time, oldest first. Of two events with the
 * same time the one that the log has first is first.
 *
 * @param added in the order of the log, all of them behind the events of `tail`.
 */
export function mergeTail(tail: readonly TailEvent[], added: readonly TailEvent[]): TailEvent[] {
  return [...tail, ...added]
    .sort((a, b) => a.occurredAt.getTime() - b.occurredAt.getTime()) // stable: ties keep their order
    .slice(-tailLength)
}
