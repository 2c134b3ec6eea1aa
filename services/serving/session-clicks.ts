// What the model is asked about: the clicks of a session that goes on now, or items that the caller
// names instead.
import type { Pool } from '#shared/database/pool.ts'
import { readSessionTail } from '#shared/eventlog/session-tails.ts'
import { cutSessions } from '#shared/sessions/cut-sessions.ts'
import type { Click } from '#shared/sessions/session.ts'

export interface SessionQuestion {
  readonly sessionId: string
  readonly gapMinutes: number
}

/** Clicks since the session's last pause, oldest first; none when nothing is known of it. */
export async function sessionClicks(
  pool: Pool,
  { sessionId, gapMinutes }: SessionQuestion
): Promise<readonly Click[]> {
  const tail = await readSessionTail(pool, sessionId)
  const events = tail?.events.map(event => ({ ...event, sessionId })) ?? []
  return cutSessions(events, { gapMinutes }).at(-1)?.clicks ?? []
}

/** Items named without a time count as clicked now, one directly after the other. */
export function clicksOn(itemKeys: readonly string[], nowMs: number): Click[] {
  return itemKeys.map(itemKey => ({ itemKey, type: 'click', at: nowMs }))
}
