// A file into the log, by the same check and the same append as any other event.
//
// A file is read like a partition of Kafka: the number of rows done is its offset, kept in Postgres and
// moved in the transaction of the rows themselves. An import that was killed goes on where it stopped,
// two of one file cannot both write, and a file that is in the log is known again. A file is known by
// the SHA-256 of its bytes, whatever its name.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { type Pool, withTransaction } from '#shared/database/pool.ts'
import { checkEvent } from '#shared/events/decode-event.ts'
import type { Event } from '#shared/events/event.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { appendEvents } from '../append-events.ts'
import { moveOffset, readPlace } from '../consumer-offsets.ts'
import { readCsv } from './csv.ts'
import type { EventFile, FileFormat, FileRows } from './event-file.ts'
import { inBatches } from './in-batches.ts'
import { readNdjson } from './ndjson.ts'
import { readParquet } from './parquet.ts'

export interface ImportOptions {
  readonly pool: Pool
  readonly file: EventFile
  /** Reads the file from its beginning, whatever was done of it. Harmless: an event is logged once. */
  readonly isRestart?: boolean
  /** Told each row, counted from 1, that is no event, and why. */
  readonly onRejected?: (row: number, reason: string) => void
  /** Told after each batch what share of the file is done, and what came of it so far. */
  readonly onProgress?: (share: number, outcome: ImportOutcome) => void
  /** Stops between two batches: the import throws the signal's reason. */
  readonly signal?: AbortSignal
  /** Rows in a transaction; 5,000 when absent. */
  readonly batchSize?: number
}

export interface ImportOutcome {
  /** Rows that an earlier import had done. */
  readonly resumedAt: number
  readonly appended: number
  /** Events that the log had already. */
  readonly duplicates: number
  readonly rejected: number
}

const group = 'nextrie-import'

const readers: Readonly<Record<FileFormat, (file: EventFile, skip: number) => Rows>> = {
  ndjson: readNdjson,
  csv: readCsv,
  parquet: readParquet
}
type Rows = AsyncGenerator<FileRows>

/**
 * Imports a file, or the rest of it.
 *
 * @throws DATASET_INVALID when it cannot be read or is not in its format.
 */
export async function importEvents(options: ImportOptions): Promise<ImportOutcome> {
  const { pool, file, onProgress, signal, batchSize = 5000 } = options
  const place = { group, topic: `file:${await fingerprint(file.path)}`, partition: 0 }
  const known = (await readPlace(pool, place))?.next
  const resumedAt = options.isRestart ? 0 : (known ?? 0)
  const counts = { resumedAt, appended: 0, duplicates: 0, rejected: 0 }
  const rows = checked(readers[file.format](file, resumedAt), resumedAt)
  let at = known
  await inBatches(rows, {
    size: batchSize,
    signal,
    write: async batch => {
      const to = Math.max(batch.at(-1)!.row, at ?? 0)
      const events = batch.flatMap(each => ('event' in each ? [each.event] : []))
      const outcome = await withTransaction(pool, async connection => {
        const isOurs = at === to || (await moveOffset(connection, place, { from: at, to }))
        if (!isOurs) throw underWay(file.path)
        return appendEvents(connection, events)
      })
      at = to
      counts.appended += outcome.appended
      counts.duplicates += outcome.duplicates
      for (const each of batch) {
        if (!('rejected' in each)) continue
        counts.rejected++
        options.onRejected?.(each.row, each.rejected)
      }
      onProgress?.(batch.at(-1)!.share, counts)
    }
  })
  return counts
}

type CheckedRow = { readonly row: number; readonly share: number } & (
  | { readonly event: Event }
  | { readonly rejected: string }
)

async function* checked(parts: Rows, skipped: number): AsyncGenerator<CheckedRow> {
  let row = skipped
  for await (const { rows, share } of parts) {
    for (const read of rows) {
      row++
      const result = 'rejected' in read ? read : checkEvent(read.message)
      yield { ...result, row, share }
    }
  }
}

async function fingerprint(path: string): Promise<string> {
  const hash = createHash('sha256')
  try {
    await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash)
  } catch (cause) {
    const message = `${path} cannot be read: ${(cause as Error).message}`
    throw new RecommenderError('DATASET_INVALID', message, { cause })
  }
  return hash.digest('hex')
}

function underWay(path: string): RecommenderError {
  return new RecommenderError(
    'ARGUMENT_INVALID',
    `another import of ${path} is under way; this one has written nothing since`
  )
}
