// Files of events, for moving a log, keeping it elsewhere, and reading it with other tools.
//
//   ndjson   a line of JSON per event: {"position": 7, "received_at": "...", "event": {the message}}
//   csv      the columns below, RFC 4180
//   parquet  the same columns, typed; a row group at a time
//
// A file that is imported may leave out `position` and `received_at`, which every log gives itself, and
// a line of ndjson may be the message alone. ndjson and csv may be compressed by gzip (.gz).
import { RecommenderError } from '#shared/runtime/errors.ts'

export const fileFormats = ['ndjson', 'csv', 'parquet'] as const
export type FileFormat = (typeof fileFormats)[number]

/** The columns of csv and parquet, in their order. */
export const columns = [
  'position',
  'received_at',
  'id',
  'type',
  'time',
  'session',
  'visitor',
  'item',
  'properties'
] as const
export type Column = (typeof columns)[number]

/** Without these a row can be no event. */
export const neededColumns: readonly Column[] = ['id', 'type', 'time', 'session']

export interface EventFile {
  readonly path: string
  readonly format: FileFormat
  readonly isCompressed: boolean
}

/** A row as it was read: the message that it says, or why it says none. */
export type FileRow = { readonly message: unknown } | { readonly rejected: string }

/** Some rows, and how much of the file they end at. */
export interface FileRows {
  readonly rows: readonly FileRow[]
  /** From 0 to 1. */
  readonly share: number
}

const extensions: Readonly<Record<string, FileFormat>> = {
  ndjson: 'ndjson',
  jsonl: 'ndjson',
  csv: 'csv',
  parquet: 'parquet'
}

/** The file as its name tells, or as it is told; `undefined` when neither says which format it has. */
export function eventFile(path: string, given?: FileFormat): EventFile | undefined {
  const isCompressed = path.endsWith('.gz')
  const extension = (isCompressed ? path.slice(0, -'.gz'.length) : path).split('.').at(-1) ?? ''
  const format = given ?? extensions[extension.toLowerCase()]
  if (format === undefined) return undefined
  if (format === 'parquet' && isCompressed) {
    throw new RecommenderError(
      'ARGUMENT_INVALID',
      `${path}: parquet is compressed within: leave out .gz`
    )
  }
  return { path, format, isCompressed }
}

/** @throws DATASET_INVALID naming the columns that are missing or not known. */
export function checkColumns(path: string, found: readonly string[]): void {
  const known: readonly string[] = columns
  const missing = neededColumns.filter(name => !found.includes(name))
  const unknown = found.filter((name, i) => !known.includes(name) || found.indexOf(name) !== i)
  const faults = [
    ...missing.map(name => `has no column ${name}`),
    ...unknown.map(name => `has a column ${JSON.stringify(name)} too many`)
  ]
  if (faults.length === 0) return
  throw new RecommenderError(
    'DATASET_INVALID',
    `${path} ${faults.join(', ')}: its columns may be ${known.join(', ')}; other fields go into properties, as a JSON object`
  )
}

/** Cells by column as a message. An empty cell and a null are an absent field. */
export function rowMessage(cells: Readonly<Partial<Record<Column, unknown>>>): FileRow {
  const properties = readProperties(cells.properties)
  if (properties === undefined) return { rejected: 'properties is no JSON object' }
  const fields = ['id', 'type', 'time', 'session', 'visitor', 'item'] as const
  const present = fields.flatMap(name => {
    const value = cells[name]
    return value === undefined || value === null || value === '' ? [] : [[name, value] as const]
  })
  return { message: { ...properties, ...Object.fromEntries(present) } }
}

function readProperties(cell: unknown): object | undefined {
  if (cell === undefined || cell === null || cell === '') return {}
  if (typeof cell !== 'string') return undefined
  try {
    const value: unknown = JSON.parse(cell)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}
