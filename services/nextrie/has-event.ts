// Asks whether an import is complete. Apart from the import itself, whose checks take a second to
// load, so that a start which has nothing to import need not load them.
import type { Pool } from '#shared/database/pool.ts'

/** True when the log has the event, which for the last one of a data set means all of them. */
export async function hasEvent(pool: Pool, eventId: string): Promise<boolean> {
  const { rows } = await pool.query<{ has: boolean }>(
    'select exists (select from events where event_id = $1) as has',
    [eventId]
  )
  return rows[0]?.has ?? false
}
