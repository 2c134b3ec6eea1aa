// Reads a data set folder (items.jsonl.gz, interactions.csv.gz) line by line, so that an import takes
// the same way into the product as every other event and needs little memory for any size.
import { existsSync, readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { pipeline, Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { CsvError, parse } from 'csv-parse'
import { parse as parseText } from 'csv-parse/sync'
import { readChunks } from '#shared/eventlog/files/text-file.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { fileError } from '#shared/runtime/file-error.ts'
import {
  eventId,
  eventMessage,
  itemMessage,
  type LineMeaning,
  type Row
} from './dataset-messages.ts'

/** What a line says, or why it says nothing. */
export type DatasetLine = { readonly line: number } & LineMeaning

export const itemsFile = 'items.jsonl.gz'
export const interactionsFile = 'interactions.csv.gz'

const bundledFolder = fileURLToPath(new URL('./data', import.meta.url))

/**
 * The folder of a data set, given by its path or by the name of a bundled one.
 *
 * @throws DATASET_INVALID when there is no such data set or a file of it is missing.
 */
export function findDataset(pathOrName: string): string {
  const folder = [resolve(pathOrName), join(bundledFolder, pathOrName)].find(existsSync)
  const missing = [itemsFile, interactionsFile].find(name => !existsSync(join(folder ?? '', name)))
  if (folder && !missing) return folder
  const fault = folder ? `${folder} has no ${missing}` : `there is no data set ${pathOrName}`
  const names = readdirSync(bundledFolder).join(', ')
  throw new RecommenderError(
    'DATASET_INVALID',
    `${fault}: name a folder with ${itemsFile} and ${interactionsFile}, or a bundled set (${names})`
  )
}

/**
 * Item messages in the order of the file.
 *
 * @throws DATASET_INVALID when the file is not compressed by gzip, or cut off.
 */
export async function* readItemLines(folder: string): AsyncGenerator<DatasetLine> {
  let line = 0
  for await (const text of createInterface({ input: await unzip(join(folder, itemsFile)) })) {
    line++
    if (text.trim() !== '') yield { line, ...itemMessage(text) }
  }
}

/**
 * Click messages in the order of the file, where the rows of a session lie together.
 *
 * @throws DATASET_INVALID when the file is not compressed by gzip, or cut off, or no CSV.
 */
export async function* readEventLines(
  folder: string
): AsyncGenerator<DatasetLine & { readonly row: Row }> {
  const rows = csvRows(join(folder, interactionsFile))
  const dataset = basename(folder)
  let columns: readonly string[] | undefined
  let session: string | undefined
  let sessionNumber = -1
  for await (const { record, info } of rows) {
    if (columns === undefined) {
      columns = record
      continue
    }
    const row = byColumn(columns, record)
    if (row.user_or_session !== session) sessionNumber++
    session = row.user_or_session
    const meaning =
      record.length === columns.length
        ? eventMessage(dataset, row, sessionNumber)
        : { rejected: `it has ${record.length} fields instead of ${columns.length}` }
    yield { line: info.lines, row, ...meaning }
  }
}

const csvOptions = { bom: true, relax_column_count: true } as const

interface CsvRow {
  readonly record: readonly string[]
  readonly info: { readonly lines: number }
}

async function* csvRows(file: string): AsyncGenerator<CsvRow> {
  const parser = parse({ ...csvOptions, info: true })
  try {
    yield* pipeline(await unzip(file), parser, ignoreError) as AsyncIterable<CsvRow>
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause
    throw new RecommenderError('DATASET_INVALID', `${file}: ${cause.message}`, { cause })
  }
}

function byColumn(columns: readonly string[], record: readonly string[]): Row {
  return Object.fromEntries(columns.map((column, i) => [column, record[i] ?? '']))
}

async function unzip(path: string): Promise<Readable> {
  const { chunks } = await readChunks({ path, format: 'ndjson', isCompressed: true })
  return Readable.from(chunks)
}

function ignoreError(): void {}

export interface DatasetSurvey {
  readonly events: number
  /** An import goes in the order of the file: a log that has this event has them all. */
  readonly lastEventId: string | undefined
}

/**
 * Looks over the interactions without checking them: a tenth of a second for 165,000.
 *
 * @throws DATASET_INVALID when the file is not compressed by gzip, or cut off.
 */
export async function surveyDataset(folder: string): Promise<DatasetSurvey> {
  const file = join(folder, interactionsFile)
  const bytes = await promisify(gunzip)(await readFile(file)).catch(cause => {
    throw fileError(cause, file)
  })
  const [header = '', ...rows] = bytes.toString('utf8').trimEnd().split('\n')
  const last = rows.at(-1)
  const row = last && rowOf(header, last)
  return { events: rows.length, lastEventId: row ? eventId(basename(folder), row) : undefined }
}

/** @returns undefined for a row that began on an earlier line. */
function rowOf(header: string, line: string): Row | undefined {
  try {
    const [columns = [], record = []] = parseText(`${header}\n${line}`, csvOptions)
    return byColumn(columns, record)
  } catch (error) {
    if (error instanceof CsvError) return undefined
    throw error
  }
}
