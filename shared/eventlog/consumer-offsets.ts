// Where each consumer goes on reading a Kafka partition. Kept here and not in Kafka, so that the
// offset commits with the events: after any crash it says exactly what the log holds.
import type { Connection } from '#shared/database/pool.ts'

/** One partition as one consumer group reads it. */
export interface ConsumerPlace {
  readonly group: string
  readonly topic: string
  readonly partition: number
}

/** The newest message that was committed, by which the log it is in is known again. */
export interface LastMessage {
  readonly offset: number
  /** As Kafka gives it. */
  readonly timestamp: string
}

export interface KeptPlace {
  /** The offset of the next message to read. */
  readonly next: number
  /** `undefined` when it was not kept: an earlier version has written the place. */
  readonly last: LastMessage | undefined
}

/** Where to go on reading; `undefined` when the group has read nothing yet. */
export async function readPlace(
  connection: Connection,
  { group, topic, partition }: ConsumerPlace
): Promise<KeptPlace | undefined> {
  const { rows } = await connection.query<PlaceRow>(
    `select next_offset, last_offset, last_timestamp from consumer_offsets
     where consumer_group = $1 and topic = $2 and partition = $3`,
    [group, topic, partition]
  )
  if (!rows[0]) return undefined
  const { next_offset: next, last_offset: offset, last_timestamp: timestamp } = rows[0]
  const isKnown = offset !== null && timestamp !== null
  return { next, last: isKnown ? { offset, timestamp } : undefined }
}

interface PlaceRow {
  readonly next_offset: number
  readonly last_offset: number | null
  readonly last_timestamp: string | null
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
  /** The newest message before `to`; forgotten when absent. */
  readonly last?: LastMessage
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
  step: OffsetStep
): Promise<boolean> {
  const moved =
    step.from === undefined
      ? await insertOffset(connection, place, step)
      : await updateOffset(connection, place, step)
  return moved === 1
}

async function insertOffset(
  connection: Connection,
  { group, topic, partition }: ConsumerPlace,
  { to, last }: OffsetStep
): Promise<number | null> {
  const { rowCount } = await connection.query(
    `insert into consumer_offsets
       (consumer_group, topic, partition, next_offset, last_offset, last_timestamp)
     values ($1, $2, $3, $4, $5, $6)
     on conflict (consumer_group, topic, partition) do nothing`,
    [group, topic, partition, to, last?.offset ?? null, last?.timestamp ?? null]
  )
  return rowCount
}

async function updateOffset(
  connection: Connection,
  { group, topic, partition }: ConsumerPlace,
  { from, to, last }: OffsetStep
): Promise<number | null> {
  const { rowCount } = await connection.query(
    `update consumer_offsets
     set next_offset = $5, last_offset = $6, last_timestamp = $7, updated_at = now()
     where consumer_group = $1 and topic = $2 and partition = $3 and next_offset = $4`,
    [group, topic, partition, from, to, last?.offset ?? null, last?.timestamp ?? null]
  )
  return rowCount
}
