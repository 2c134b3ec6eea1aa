// ndjson: a line of JSON per event.
import { encodeEvent } from '#shared/events/encode-event.ts'
import { readJson } from '#shared/events/read-json.ts'
import { isObject } from '#shared/events/rejection.ts'
import type { LoggedEvent } from '../read-events.ts'
import type { EventFile, FileRow, FileRows } from './event-file.ts'
import { readChunks, writeTexts } from './text-file.ts'

/** Writes events and closes the file. */
export function writeNdjson(file: EventFile, batches: AsyncIterable<LoggedEvent[]>): Promise<void> {
  return writeTexts(file, linesOf(batches))
}

async function* linesOf(batches: AsyncIterable<LoggedEvent[]>): AsyncGenerator<string> {
  for await (const batch of batches) yield batch.map(toLine).join('')
}

function toLine(event: LoggedEvent): string {
  const { position, receivedAt } = event
  const line = { position, received_at: receivedAt.toISOString(), event: encodeEvent(event) }
  return `${JSON.stringify(line)}\n`
}

/** Reads the rows behind the first `skip`; every line is a row, an empty one too. */
export async function* readNdjson(file: EventFile, skip: number): AsyncGenerator<FileRows> {
  const { chunks, share } = await readChunks(file)
  let toSkip = skip
  for await (const lines of linesIn(chunks)) {
    const read = toSkip > 0 ? lines.slice(toSkip) : lines
    toSkip -= lines.length - read.length
    if (read.length > 0) yield { rows: read.map(fromLine), share: share() }
  }
}

/** The lines that end in each chunk; the last line need not end. */
async function* linesIn(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer[]> {
  let open: Buffer[] = []
  for await (const chunk of chunks) {
    const lines: Buffer[] = []
    let start = 0
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      lines.push(Buffer.concat([...open, chunk.subarray(start, end)]))
      open = []
      start = end + 1
    }
    if (start < chunk.length) open.push(chunk.subarray(start))
    yield lines
  }
  if (open.length > 0) yield [Buffer.concat(open)]
}

/** A message alone may have a field named `event` too, but not only the fields of an exported line. */
function fromLine(line: Buffer): FileRow {
  const read = readJson(line)
  if ('rejected' in read) return read
  const { position: _, received_at: __, event, ...more } = read.message
  const isExported = isObject(event) && Object.keys(more).length === 0
  return { message: isExported ? event : read.message }
}
