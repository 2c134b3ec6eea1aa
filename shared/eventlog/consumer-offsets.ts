// Where each consumer goes on reading a Kafka partition. Kept here and not in Kafka, so that the
// offset commits with the events: after any crash it says exactly what the log holds.
import type { Connection } from '#shared/database/pool.ts'

/** One partition as one consumer group reads it. */
export interface ConsumerPlace {
  readonly group: string
  readonly topic: string
  readonly partition: number
}

/** The offset of the next message to read; `undefined` when the group has read none yet. */
export async function readOffset(
  connection: Connection,
  { group, topic, partition }: ConsumerPlace
): Promise<number | undefined> {
  const { rows } = await connection.query<{ next_offset: number }>(
    `select next_offset from consumer_offsets
     where consumer_group = $1 and topic = $2 and partition = $3`,
    [group, topic, partition]
  )
  return rows[0]?.next_offset
}

/** The next offset of each partition of which the group has read something. */
export async function readOffsets(
  connection: Connection,
  { group, topic }: Omit<ConsumerPlace, 'partition'>
): Promise<Map<number, number>> {
  const { rows } = await connection.query<{ partition: number; next_offset: number }>(
    'select partition, next_offset from consumer_offsets where consumer_group = $1 and topic = $2',
    [group, topic]
  )
  return new Map(rows.map(row => [row.partition, row.next_offset]))
}

export interface OffsetStep {
  /** What the caller has last seen; `undefined` when it saw nothing. */
  readonly from: number | undefined
  readonly to: number
}

/**
 * Moves the offset on, if it still is where the caller believes it is. Call it first in the
 * transaction: the row stays locked until the commit, so of two consumers that believe to own the
 * partition the second waits, and is then told that it came too late.
 *
 * @returns false when somebody else has moved the offset: the caller must undo what it did.
 */
export async function moveOffset(
  connection: Connection,
  place: ConsumerPlace,
  { from, to }: OffsetStep
): Promise<boolean> {
  const moved =
    from === undefined
      ? await insertOffset(connection, place, to)
      : await updateOffset(connection, place, { from, to })
  return moved === 1
}

async function insertOffset(
  connection: Connection,
  { group, topic, partition }: ConsumerPlace,
  to: number
): Promise<number | null> {
  const { rowCount } = await connection.query(
    `insert into consumer_offsets (consumer_group, topic, partition, next_offset)
     values ($1, $2, $3, $4)
     on conflict (consumer_group, topic, partition) do nothing`,
    [group, topic, partition, to]
  )
  return rowCount
}

async function updateOffset(
  connection: Connection,
  { group, topic, partition }: ConsumerPlace,
  { from, to }: OffsetStep
): Promise<number | null> {
  const { rowCount } = await connection.query(
    `update consumer_offsets set next_offset = $5, updated_at = now()
     where consumer_group = $1 and topic = $2 and partition = $3 and next_offset = $4`,
    [group, topic, partition, from, to]
  )
  return rowCount
}
