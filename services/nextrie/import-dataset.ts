// Brings a data set folder into the catalogue and the log, by the same checks and the same append
// that events from Kafka and HTTP pass. Event ids are made from the rows: a repeat changes nothing,
// and an import that was interrupted is finished by the next one.
import { upsertItems } from '#shared/catalog/write-items.ts'
import { type Pool, withTransaction } from '#shared/database/pool.ts'
import { appendEvents } from '#shared/eventlog/append-events.ts'
import { inBatches } from '#shared/eventlog/files/in-batches.ts'
import { checkEvent } from '#shared/events/decode-event.ts'
import { checkItem } from '#shared/events/decode-item.ts'
import type { Event } from '#shared/events/event.ts'
import type { DescribedItem } from '#shared/events/item-message.ts'
import type { Rejection } from '#shared/events/rejection.ts'
import {
  type DatasetLine,
  interactionsFile,
  itemsFile,
  readEventLines,
  readItemLines
} from './read-dataset.ts'

export interface RejectedLine {
  readonly file: string
  /** Counted from 1; the headings of a CSV file are line 1. */
  readonly line: number
  readonly reason: string
}

export interface ImportCounts {
  items: number
  appended: number
  /** Events that the log had already. */
  duplicates: number
  /** Lines that are no item or no event. */
  rejected: number
}

export interface ImportOptions {
  readonly pool: Pool
  /** As `findDataset` gives it. */
  readonly folder: string
  readonly onRejected: (line: RejectedLine) => void
  /** Told after each batch how many lines of events are done. */
  readonly onProgress?: (lines: number) => void
  /** Stops between two batches: the import throws the signal's reason. */
  readonly signal?: AbortSignal
}

const size = 5000

/** Imports the items, then the events. Rejected lines are reported, counted and left out. */
export async function importDataset(options: ImportOptions): Promise<Readonly<ImportCounts>> {
  const { pool, folder, onRejected, onProgress, signal } = options
  const counts: ImportCounts = { items: 0, appended: 0, duplicates: 0, rejected: 0 }
  const reject = (file: string) => (line: number, reason: string) => {
    counts.rejected++
    onRejected({ file, line, reason })
  }
  const items = accepted(readItemLines(folder), checkItem, reject(itemsFile))
  const writeItems = async (batch: readonly { item: DescribedItem }[]) => {
    const described = batch.map(({ item }) => item)
    await withTransaction(pool, connection => upsertItems(connection, described))
    counts.items += batch.length
  }
  await inBatches(items, { size, signal, write: writeItems })
  const events = accepted(readEventLines(folder), checkEvent, reject(interactionsFile))
  const writeEvents = async (batch: readonly { event: Event }[]) => {
    const clicks = batch.map(({ event }) => event)
    const outcome = await withTransaction(pool, connection => appendEvents(connection, clicks))
    counts.appended += outcome.appended
    counts.duplicates += outcome.duplicates
    onProgress?.(counts.appended + counts.duplicates)
  }
  await inBatches(events, { size, signal, write: writeEvents })
  return counts
}

/** The checked values; what is wrong with the other lines goes to `reject`. */
async function* accepted<T extends object>(
  lines: AsyncIterable<DatasetLine>,
  check: (message: unknown) => T | Rejection,
  reject: (line: number, reason: string) => void
): AsyncGenerator<Exclude<T, Rejection>> {
  for await (const line of lines) {
    const checked = 'message' in line ? check(line.message) : line
    if ('rejected' in checked) reject(line.line, checked.rejected)
    else yield checked as Exclude<T, Rejection>
  }
}
