// The log, or a stretch of it, into a file, through constant memory. The file appears under its name
// only when it is whole: until then it has another one (.partial). An export that is interrupted ends
// its file in order at the last whole batch, and says from which position to go on into another file.
import { access, rename, rm } from 'node:fs/promises'
import type { Connection } from '#shared/database/pool.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { type LoggedEvent, readEvents } from '../read-events.ts'
import { writeCsv } from './csv.ts'
import type { EventFile, FileFormat } from './event-file.ts'
import { writeNdjson } from './ndjson.ts'
import { writeParquet } from './parquet.ts'

export interface ExportOptions {
  readonly connection: Connection
  readonly file: EventFile
  /** The first position wanted; 1 is the beginning. */
  readonly from: number
  /** The last position wanted. Take `lastPosition()` once, and a repeat writes the same events. */
  readonly upTo: number
  /** Told after each batch how many events are done, and up to which position. */
  readonly onProgress?: (events: number, position: number) => void
  /** Ends the file after the batch in hand. */
  readonly signal?: AbortSignal
  /** Events in memory at once, and in a row group of Parquet; 20,000 when absent. */
  readonly batchSize?: number
}

export interface ExportOutcome {
  readonly events: number
  /** Where another export goes on. */
  readonly nextPosition: number
  /** False when it was interrupted before `upTo`. */
  readonly isWhole: boolean
}

type Write = (file: EventFile, batches: AsyncIterable<LoggedEvent[]>) => Promise<void>
const writers: Readonly<Record<FileFormat, Write>> = {
  ndjson: writeNdjson,
  csv: writeCsv,
  parquet: writeParquet
}

/** @throws ARGUMENT_INVALID when there is a file of that name already. */
export async function exportEvents(options: ExportOptions): Promise<ExportOutcome> {
  const { connection, file, from, upTo, onProgress, signal, batchSize = 20_000 } = options
  await refuseExisting(file.path)
  const done = { events: 0, position: from - 1, isWhole: true }
  async function* batches() {
    for await (const batch of readEvents(connection, { after: from - 1, upTo, batchSize })) {
      if (signal?.aborted) {
        done.isWhole = false
        return
      }
      yield batch
      done.events += batch.length
      done.position = batch.at(-1)!.position
      onProgress?.(done.events, done.position)
    }
    done.position = Math.max(done.position, upTo)
  }
  const partial = `${file.path}.partial`
  try {
    await writers[file.format]({ ...file, path: partial }, batches())
    await rename(partial, file.path)
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  }
  return { events: done.events, nextPosition: done.position + 1, isWhole: done.isWhole }
}

async function refuseExisting(path: string): Promise<void> {
  const exists = await access(path).then(
    () => true,
    () => false
  )
  if (!exists) return
  throw new RecommenderError('ARGUMENT_INVALID', `${path} exists: name another file, or remove it`)
}
