// parquet: the columns of event-file.ts with their types, a row group at a time.
import { gunzipSync } from 'node:zlib'
import {
  asyncBufferFromFile,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
  type SchemaElement
} from 'hyparquet'
import { fileWriter, ParquetWriter } from 'hyparquet-writer'
import { isObject } from '#shared/events/rejection.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { LoggedEvent } from '../read-events.ts'
import {
  type Column,
  checkColumns,
  type EventFile,
  type FileRow,
  type FileRows,
  rowMessage
} from './event-file.ts'

const schema: SchemaElement[] = [
  { name: 'events', num_children: 9 },
  { name: 'position', type: 'INT64', repetition_type: 'REQUIRED' },
  timestamp('received_at'),
  text('id', 'REQUIRED'),
  text('type', 'REQUIRED'),
  timestamp('time'),
  text('session', 'REQUIRED'),
  text('visitor', 'OPTIONAL'),
  text('item', 'OPTIONAL'),
  text('properties', 'REQUIRED') // JSON
]

function text(name: Column, repetition_type: 'REQUIRED' | 'OPTIONAL'): SchemaElement {
  return { name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type }
}

function timestamp(name: Column): SchemaElement {
  return { name, type: 'INT64', converted_type: 'TIMESTAMP_MILLIS', repetition_type: 'REQUIRED' }
}

/** Writes events and closes the file; each batch becomes a row group. */
export async function writeParquet(
  { path }: EventFile,
  batches: AsyncIterable<LoggedEvent[]>
): Promise<void> {
  const writer = new ParquetWriter({ writer: fileWriter(path), schema, createdBy: 'nextrie' })
  for await (const batch of batches) {
    await writer.write({ columnData: toColumns(batch), rowGroupSize: batch.length })
  }
  await writer.finish()
}

function toColumns(events: readonly LoggedEvent[]): { name: Column; data: unknown[] }[] {
  return [
    { name: 'position', data: events.map(event => BigInt(event.position)) },
    { name: 'received_at', data: events.map(event => event.receivedAt) },
    { name: 'id', data: events.map(event => event.id) },
    { name: 'type', data: events.map(event => event.type) },
    { name: 'time', data: events.map(event => event.occurredAt) },
    { name: 'session', data: events.map(event => event.sessionId) },
    { name: 'visitor', data: events.map(event => event.visitorId) },
    { name: 'item', data: events.map(event => event.itemKey) },
    { name: 'properties', data: events.map(event => JSON.stringify(event.properties)) }
  ]
}

/**
 * Reads the rows behind the first `skip`. One row group is in memory at a time.
 *
 * @throws DATASET_INVALID when it is no Parquet file, or has other columns.
 */
export async function* readParquet({ path }: EventFile, skip: number): AsyncGenerator<FileRows> {
  try {
    const file = await asyncBufferFromFile(path)
    const metadata = await parquetMetadataAsync(file)
    const names = parquetSchema(metadata).children.map(({ element }) => element.name)
    checkColumns(path, names)
    let rowEnd = 0
    for (const group of metadata.row_groups) {
      const rowStart = Math.max(rowEnd, skip)
      rowEnd += Number(group.num_rows)
      if (rowStart >= rowEnd) continue
      const found = await parquetReadObjects({ file, metadata, rowStart, rowEnd, compressors })
      yield { rows: found.map(fromCells), share: rowEnd / Number(metadata.num_rows) }
    }
  } catch (cause) {
    if (cause instanceof RecommenderError || !(cause instanceof Error)) throw cause
    const message = `${path} cannot be read as Parquet: ${cause.message}`
    throw new RecommenderError('DATASET_INVALID', message, { cause })
  }
}

/** Snappy is hyparquet's own. */
const compressors = { GZIP: (bytes: Uint8Array) => new Uint8Array(gunzipSync(bytes)) }

function fromCells(cells: Readonly<Record<string, unknown>>): FileRow {
  return rowMessage(jsonOf(cells) as typeof cells)
}

/** A cell as JSON has it: Parquet's large numbers and times are of other types, and may fit no Date. */
function jsonOf(cell: unknown): unknown {
  if (typeof cell === 'bigint') return Number(cell)
  if (cell instanceof Date) return Number.isNaN(cell.getTime()) ? String(cell) : cell.toISOString()
  if (Array.isArray(cell)) return cell.map(jsonOf)
  if (!isObject(cell)) return cell
  return Object.fromEntries(Object.entries(cell).map(([name, part]) => [name, jsonOf(part)]))
}
