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
      letters.map(letter => letter.reason)
    ]
  )
}

/** Dead letters in the order they were kept, after the id `after`, at most `limit`. */
export async function listDeadLetters(
  connection: Connection,
  { after = 0, limit }: { readonly after?: number; readonly limit: number }
): Promise<StoredDeadLetter[]> {
  const { rows } = await connection.query<DeadLetterRow>(
    `select dead_letter_id, topic, partition, message_offset, key, payload, headers, reason,
            received_at
     from dead_letters where dead_letter_id > $1 order by dead_letter_id limit $2`,
    [after, limit]
  )
  return rows.map(fromRow)
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

/** Values are bytes and go as base64. jsonb takes no NUL, so in a name its picture (U+2400) stands. */
function toStoredHeaders(headers: DeadLetter['headers']): string {
  const stored = Object.entries(headers).map(([name, values]) => [
    name.replaceAll('\0', '\u2400'),
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
