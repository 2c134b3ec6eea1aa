// csv: a heading, then a row per event.
import { pipeline, Readable } from 'node:stream'
import { parse } from 'csv-parse'
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { LoggedEvent } from '../read-events.ts'
import {
  checkColumns,
  columns,
  type EventFile,
  type FileRow,
  type FileRows,
  rowMessage
} from './event-file.ts'
import { readChunks, writeTexts } from './text-file.ts'

/** Writes events and closes the file. */
export function writeCsv(file: EventFile, batches: AsyncIterable<LoggedEvent[]>): Promise<void> {
  return writeTexts(file, textsOf(batches))
}

async function* textsOf(batches: AsyncIterable<LoggedEvent[]>): AsyncGenerator<string> {
  yield `${columns.join(',')}\r\n`
  for await (const batch of batches) yield batch.map(toRow).join('')
}

function toRow(event: LoggedEvent): string {
  const cells = [
    String(event.position),
    event.receivedAt.toISOString(),
    event.id,
    event.type,
    event.occurredAt.toISOString(),
    event.sessionId,
    event.visitorId ?? '',
    event.itemKey ?? '',
    JSON.stringify(event.properties)
  ]
  return `${cells.map(quote).join(',')}\r\n`
}

function quote(cell: string): string {
  return /[",\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell
}

const rowsAtOnce = 1000

/**
 * Reads the rows behind the first `skip`, the heading not counted.
 *
 * @throws DATASET_INVALID when the heading is not ours, or the file is no CSV in UTF-8.
 */
export async function* readCsv(file: EventFile, skip: number): AsyncGenerator<FileRows> {
  const { chunks, share } = await readChunks(file)
  const parser = parse({ bom: true, relax_column_count: true })
  const records = pipeline(Readable.from(decode(chunks)), parser, () => {})
  let heading: readonly string[] | undefined
  let row = 0
  let rows: FileRow[] = []
  try {
    for await (const record of records as AsyncIterable<string[]>) {
      if (heading === undefined) {
        checkColumns(file.path, record)
        heading = record
      } else if (++row > skip) {
        rows.push(fromRecord(heading, record))
        if (rows.length < rowsAtOnce) continue
        yield { rows, share: share() }
        rows = []
      }
    }
  } catch (cause) {
    if (cause instanceof RecommenderError || !(cause instanceof Error)) throw cause
    throw new RecommenderError(
      'DATASET_INVALID',
      `${file.path}, behind row ${row}: ${cause.message}`,
      { cause }
    )
  }
  if (heading === undefined) checkColumns(file.path, [])
  if (rows.length > 0) yield { rows, share: share() }
}

async function* decode(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const utf8 = new TextDecoder('utf-8', { fatal: true })
  for await (const chunk of chunks) yield utf8.decode(chunk, { stream: true })
  yield utf8.decode()
}

function fromRecord(heading: readonly string[], record: readonly string[]): FileRow {
  if (record.length !== heading.length) {
    return { rejected: `it has ${record.length} cells instead of ${heading.length}` }
  }
  return rowMessage(Object.fromEntries(heading.map((name, i) => [name, record[i]])))
}
