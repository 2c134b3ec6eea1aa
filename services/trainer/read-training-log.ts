// Reads the event log up to where it is now and cuts it into sessions.
import { createHash } from 'node:crypto'
import type { Pool } from '#shared/database/pool.ts'
import { lastPosition, readEvents } from '#shared/eventlog/read-events.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { cutSessions, type SessionEvent } from '#shared/sessions/cut-sessions.ts'
import type { Session } from '#shared/sessions/session.ts'

export interface TrainingLog {
  readonly sessions: readonly Session[]
  readonly fromPosition: number
  readonly toPosition: number
  readonly events: number
  readonly firstEventAt: Date
  readonly lastEventAt: Date
  /** SHA-256 over the ids of the events, one a line, in log order. */
  readonly eventIdsSha256: string
}

/**
 * @param toPosition last position to read; left out, all that the log holds now.
 * @throws RecommenderError LOG_TOO_SHORT when the log is empty.
 */
export async function readTrainingLog(
  pool: Pool,
  gapMinutes: number,
  toPosition?: number
): Promise<TrainingLog> {
  const upTo = toPosition ?? (await lastPosition(pool))
  const hash = createHash('sha256')
  const events: SessionEvent[] = []
  let fromPosition = 0
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for await (const batch of readEvents(pool, { after: 0, upTo })) {
    for (const { id, position, sessionId, type, itemKey, occurredAt } of batch) {
      fromPosition ||= position
      hash.update(`${id}\n`)
      first = Math.min(first, occurredAt.getTime())
      last = Math.max(last, occurredAt.getTime())
      events.push({ sessionId, type, itemKey, occurredAt })
    }
  }
  if (events.length === 0) {
    throw new RecommenderError(
      'LOG_TOO_SHORT',
      'the event log is empty: import or ingest events first'
    )
  }
  return {
    sessions: cutSessions(events, { gapMinutes }),
    fromPosition,
    toPosition: upTo,
    events: events.length,
    firstEventAt: new Date(first),
    lastEventAt: new Date(last),
    eventIdsSha256: hash.digest('hex')
  }
}
