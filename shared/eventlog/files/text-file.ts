// Text in and out of files as streams, compressed or not: whatever the size, only a chunk is in memory.
import { createReadStream, createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline, Readable } from 'node:stream'
import { pipeline as finished } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { fileError } from '#shared/runtime/file-error.ts'
import type { EventFile } from './event-file.ts'

/** Writes texts one after the other; returns when all are in the file. */
export async function writeTexts(
  { path, isCompressed }: EventFile,
  texts: AsyncIterable<string>
): Promise<void> {
  const source = Readable.from(texts)
  const target = createWriteStream(path, { flush: true })
  await (isCompressed
    ? finished(source, createGzip({ level: 6 }), target)
    : finished(source, target))
}

export interface FileChunks {
  readonly chunks: AsyncIterable<Buffer>
  /** How much of the file has been read, from 0 to 1. */
  share(): number
}

/** Reads a file from its beginning. A fault of the file is thrown where the chunks are read, and names it. */
export async function readChunks({ path, isCompressed }: EventFile): Promise<FileChunks> {
  const { size } = await stat(path)
  const file = createReadStream(path, { highWaterMark: 256 * 1024 })
  const chunks = isCompressed ? pipeline(file, createGunzip(), () => {}) : file
  return { chunks: named(chunks, path), share: () => (size === 0 ? 1 : file.bytesRead / size) }
}

async function* named(chunks: AsyncIterable<Buffer>, path: string): AsyncGenerator<Buffer> {
  try {
    yield* chunks
  } catch (cause) {
    throw fileError(cause, path)
  }
}
