// Many items at once, a line of JSON each, from a file or a request. Whatever the size, only a batch or
// two are in memory. Each batch is written by itself, and to write an item again changes nothing but its
// version: an import that was interrupted is finished by the next one.
import type { Connection } from '#shared/database/pool.ts'
import type { Item } from './item.ts'
import { upsertItems } from './write-items.ts'

/** What a line says, or why it says nothing. */
export type CheckedLine = { readonly item: Item } | RejectedReason

export interface RejectedReason {
  readonly rejected: string
  /** The field at fault, where there is one. */
  readonly field?: string
}

export interface RejectedLine extends RejectedReason {
  /** Counted from 1, empty lines included. */
  readonly line: number
}

export interface ImportItemsTask {
  readonly connection: Connection
  readonly chunks: AsyncIterable<Uint8Array>
  readonly check: (line: Uint8Array) => CheckedLine
  /** The next line is read when it is done. */
  readonly onRejected: (rejected: RejectedLine) => void | Promise<void>
  /** Told after each batch that is written, with all lines up to its last one counted. */
  readonly onProgress?: (done: ImportedItems) => void
  /** Stops between two batches: the import throws the signal's reason. */
  readonly signal?: AbortSignal
}

export interface ImportedItems {
  /** Lines read. */
  readonly lines: number
  readonly accepted: number
  readonly rejected: number
}

const itemsPerBatch = 1000
const bytesPerBatch = 4 * 1024 * 1024
/** As of one item by itself. */
const bytesPerLine = 256 * 1024

interface Batch {
  readonly items: Item[]
  readonly done: ImportedItems
}

/** @returns when all items are written. */
export async function importItems(task: ImportItemsTask): Promise<ImportedItems> {
  const { connection, onProgress, signal } = task
  let last: ImportedItems = { lines: 0, accepted: 0, rejected: 0 }
  let written = Promise.resolve()
  const write = async ({ items, done }: Batch) => {
    if (items.length > 0) await upsertItems(connection, items)
    onProgress?.(done)
  }
  try {
    for await (const batch of batchesOf(task)) {
      await written
      signal?.throwIfAborted()
      last = batch.done
      written = write(batch) // while the next one is read
      written.catch(() => undefined) // thrown where it is awaited
    }
  } finally {
    await written // nothing goes on behind the caller's back, also when reading failed
  }
  return last
}

async function* batchesOf({ chunks, check, onRejected }: ImportItemsTask): AsyncGenerator<Batch> {
  let [line, accepted, rejected, bytes] = [0, 0, 0, 0]
  let items: Item[] = []
  const take = () => {
    const batch = { items, done: { lines: line, accepted, rejected } }
    items = []
    bytes = 0
    return batch
  }
  for await (const text of linesIn(chunks)) {
    line++
    if (text && isBlank(text)) continue
    const checked = text ? check(text) : tooLong
    if ('rejected' in checked) {
      rejected++
      await onRejected({ line, ...checked })
      continue
    }
    accepted++
    bytes += text?.length ?? 0
    if (items.push(checked.item) === itemsPerBatch || bytes > bytesPerBatch) yield take()
  }
  yield take()
}

const tooLong: RejectedReason = { rejected: `the line is longer than ${bytesPerLine} bytes` }

/** Lines without their ends; undefined for one that is too long, of which nothing is kept in memory. */
async function* linesIn(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array | undefined> {
  let open: Uint8Array[] = []
  let length = 0
  const add = (part: Uint8Array) => {
    length += part.length
    if (length <= bytesPerLine) open.push(part)
    else open = []
  }
  const close = () => {
    const line = length > bytesPerLine ? undefined : Buffer.concat(open)
    open = []
    length = 0
    return line
  }
  for await (const chunk of chunks) {
    let start = 0
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      add(chunk.subarray(start, end))
      yield close()
      start = end + 1
    }
    if (start < chunk.length) add(chunk.subarray(start))
  }
  if (length > 0) yield close()
}

/** Spaces, tabs and carriage returns alone. */
function isBlank(line: Uint8Array): boolean {
  return line.every(byte => byte === 32 || byte === 9 || byte === 13)
}
