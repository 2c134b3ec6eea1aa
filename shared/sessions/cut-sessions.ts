// Cuts a stream of events into sessions: by the producer's session id, and again where the visitor was
// away for longer than the gap, unless the id alone is to count. The one function that does so: for
// training over the whole log, for a live answer over the tail of one session.
import { type Click, type ClickType, clickTypes, type Session } from './session.ts'

/** What this function reads of an event; both logged events and the tail of a session have it. */
export interface SessionEvent {
  readonly sessionId: string
  readonly type: string
  readonly itemKey?: string | undefined
  readonly occurredAt: Date
}

/**
 * Sessions in the order of their first click, whatever the order of the log. Events of a session are
 * ordered by their time; of two events with one time, the one that came first in the log is first.
 *
 * @param gapMinutes a pause longer than this starts a new session; 0: no pause does, however long.
 */
export function cutSessions(
  events: Iterable<SessionEvent>,
  { gapMinutes }: { readonly gapMinutes: number }
): Session[] {
  const clicks = new Map<string, Click[]>()
  for (const event of events) {
    if (event.itemKey === undefined || !isClick(event.type)) continue
    const click = { itemKey: event.itemKey, type: event.type, at: event.occurredAt.getTime() }
    const known = clicks.get(event.sessionId)
    if (known) known.push(click)
    else clicks.set(event.sessionId, [click])
  }
  const sessions = [...clicks].flatMap(([sessionId, all]) => cut(sessionId, all, gapMinutes))
  return sessions.sort(byStart)
}

/**
 * Of two sessions that start at one time, the id decides: the partitions of a topic arrive in no
 * order, and the same events must give the same model.
 */
function byStart(a: Session, b: Session): number {
  return a.clicks[0]!.at - b.clicks[0]!.at || (a.sessionId < b.sessionId ? -1 : 1)
}

function isClick(type: string): type is ClickType {
  return (clickTypes as readonly string[]).includes(type)
}

function cut(sessionId: string, clicks: Click[], gapMinutes: number): Session[] {
  clicks.sort((a, b) => a.at - b.at)
  const longestPauseMs = gapMinutes === 0 ? Number.POSITIVE_INFINITY : gapMinutes * 60_000
  const parts: Click[][] = []
  for (const click of clicks) {
    const open = parts.at(-1)
    if (open && click.at - open.at(-1)!.at <= longestPauseMs) open.push(click)
    else parts.push([click])
  }
  return parts.map(part => ({ sessionId, clicks: part }))
}
