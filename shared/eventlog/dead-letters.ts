// Messages that were not accepted, exactly as they came, with the reason. One row per message,
// written in the transaction of its batch; the dead-letter topic has the same for other readers.
import type { Connection } from '#shared/database/pool.ts'

export interface DeadLetter {
  /** Where the message is, or was, in Kafka. */
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly key: Buffer | null
  readonly payload: Buffer | null
  /** A header may repeat: all its values, in their order. One may have no value: null. */
  readonly headers: Readonly<Record<string, readonly (Buffer | null)[]>>
  /** What is wrong, for whoever sent it. */
  readonly reason: string
}

export interface StoredDeadLetter extends DeadLetter {
  readonly id: number
  readonly receivedAt: Date
}

/** Keeps dead letters; one that is kept already (same topic, partition, offset) is left alone. */
export async function insertDeadLetters(
  connection: Connection,
  letters: readonly DeadLetter[]
): Promise<void> {
  if (letters.length === 0) return
  await connection.query(
    `insert into dead_letters
       (topic, partition, message_offset, key, payload, headers, reason)
     select * from unnest($1::text[], $2::integer[], $3::bigint[], $4::bytea[], $5::bytea[],
                          $6::jsonb[], $7::text[])
     on conflict (topic, partition, message_offset) do nothing`,
    [
      letters.map(letter => letter.topic),
      letters.map(letter => letter.partition),
      letters.map(letter => letter.offset),
      letters.map(letter => letter.key),
      letters.map(letter => letter.payload),
      letters.map(letter => toStoredHeaders(letter.headers)),
      letters.map(letter => storable(letter.reason))
    ]
  )
}

/** Which dead letters are meant: those that meet every condition given; all when none is. */
export interface DeadLetterFilter {
  readonly ids?: readonly number[]
  readonly topic?: string
  /** A part of the reason, in the same case. */
  readonly reason?: string
  /** Kept at this time or later. */
  readonly since?: Date
}

export interface DeadLetterPage extends DeadLetterFilter {
  /** Only letters behind this id; all when absent. */
  readonly after?: number
  readonly limit: number
}

/** Dead letters in the order they were kept. */
export async function listDeadLetters(
  connection: Connection,
  page: DeadLetterPage
): Promise<StoredDeadLetter[]> {
  const { rows } = await connection.query<DeadLetterRow>(
    `select dead_letter_id, topic, partition, message_offset, key, payload, headers, reason,
            received_at
     from dead_letters where ${pageCondition} order by dead_letter_id limit $6`,
    pageValues(page)
  )
  return rows.map(fromRow)
}

/** The same, each locked until the caller's transaction ends, so that it can be dealt with once. */
export async function lockDeadLetters(
  connection: Connection,
  page: DeadLetterPage
): Promise<StoredDeadLetter[]> {
  const { rows } = await connection.query<DeadLetterRow>(
    `select dead_letter_id, topic, partition, message_offset, key, payload, headers, reason,
            received_at
     from dead_letters where ${pageCondition} order by dead_letter_id limit $6 for update`,
    pageValues(page)
  )
  return rows.map(fromRow)
}

/** A dead letter without its bytes: enough for a list, however large the messages are. */
export interface DeadLetterSummary
  extends Pick<
    StoredDeadLetter,
    'id' | 'topic' | 'partition' | 'offset' | 'reason' | 'receivedAt'
  > {
  /** Length of the payload; `null` when the message had none. */
  readonly payloadBytes: number | null
}

/** Dead letters in the order they were kept, without their bytes. */
export async function summarizeDeadLetters(
  connection: Connection,
  page: DeadLetterPage
): Promise<DeadLetterSummary[]> {
  const { rows } = await connection.query<SummaryRow>(
    `select dead_letter_id, topic, partition, message_offset, reason, received_at,
            length(payload) as payload_bytes
     from dead_letters where ${pageCondition} order by dead_letter_id limit $6`,
    pageValues(page)
  )
  return rows.map(row => ({
    id: row.dead_letter_id,
    topic: row.topic,
    partition: row.partition,
    offset: row.message_offset,
    reason: row.reason,
    receivedAt: row.received_at,
    payloadBytes: row.payload_bytes
  }))
}

/** How many there are. */
export async function countDeadLetters(
  connection: Connection,
  filter: DeadLetterFilter = {}
): Promise<number> {
  const { rows } = await connection.query<{ count: number }>(
    `select count(*) from dead_letters where ${condition}`,
    filterValues(filter)
  )
  return rows[0]!.count
}

/** Removes dead letters for good. @returns how many there were. */
export async function deleteDeadLetters(
  connection: Connection,
  filter: DeadLetterFilter
): Promise<number> {
  const { rowCount } = await connection.query(
    `delete from dead_letters where ${condition}`,
    filterValues(filter)
  )
  return rowCount ?? 0
}

/** Notes why a message is not accepted now, when that is not what was noted before. */
export async function changeReason(
  connection: Connection,
  { id, reason }: Pick<StoredDeadLetter, 'id' | 'reason'>
): Promise<void> {
  await connection.query('update dead_letters set reason = $2 where dead_letter_id = $1', [
    id,
    storable(reason)
  ])
}

/** A condition that is not given is null, and true. */
const condition = `($1::bigint[] is null or dead_letter_id = any($1))
  and ($2::text is null or topic = $2)
  and ($3::text is null or strpos(reason, $3) > 0)
  and ($4::timestamptz is null or received_at >= $4)`

const pageCondition = `${condition} and dead_letter_id > $5`

function filterValues({ ids, topic, reason, since }: DeadLetterFilter): unknown[] {
  return [ids ?? null, topic ?? null, reason ?? null, since?.toISOString() ?? null]
}

function pageValues(page: DeadLetterPage): unknown[] {
  return [...filterValues(page), page.after ?? 0, page.limit]
}

interface SummaryRow extends Omit<DeadLetterRow, 'key' | 'payload' | 'headers'> {
  readonly payload_bytes: number | null
}

interface DeadLetterRow {
  readonly dead_letter_id: number
  readonly topic: string
  readonly partition: number
  readonly message_offset: number
  readonly key: Buffer | null
  readonly payload: Buffer | null
  readonly headers: Record<string, (string | null)[]>
  readonly reason: string
  readonly received_at: Date
}

function fromRow(row: DeadLetterRow): StoredDeadLetter {
  return {
    id: row.dead_letter_id,
    topic: row.topic,
    partition: row.partition,
    offset: row.message_offset,
    key: row.key,
    payload: row.payload,
    headers: fromStoredHeaders(row.headers),
    reason: row.reason,
    receivedAt: row.received_at
  }
}

/** Postgres takes no NUL in a text: its picture (U+2400) stands there. */
function storable(text: string): string {
  return text.replaceAll('\0', '\u2400')
}

/** Values are bytes and go as base64. */
function toStoredHeaders(headers: DeadLetter['headers']): string {
  const stored = Object.entries(headers).map(([name, values]) => [
    storable(name),
    values.map(value => value?.toString('base64') ?? null)
  ])
  return JSON.stringify(Object.fromEntries(stored))
}

function fromStoredHeaders(stored: DeadLetterRow['headers']): DeadLetter['headers'] {
  const headers = Object.entries(stored).map(([name, values]) => [
    name,
    values.map(value => (value === null ? null : Buffer.from(value, 'base64')))
  ])
  return Object.fromEntries(headers)
}
