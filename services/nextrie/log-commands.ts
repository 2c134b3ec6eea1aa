// `nextrie export | import | forget`: the log into a file, files and data sets into the log, and one
// visitor out of everything.
import { existsSync, statSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import type { Pool } from '#shared/database/pool.ts'
import { type EventFile, eventFile, fileFormats } from '#shared/eventlog/files/event-file.ts'
import { forgetVisitor } from '#shared/eventlog/forget-visitor.ts'
import { lastPosition } from '#shared/eventlog/read-events.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { createProgress } from '#shared/runtime/progress.ts'
import type { CommandParts } from './dead-letter-commands.ts'
import { interruptible } from './interruption.ts'
import { findDataset } from './read-dataset.ts'
import { wholeNumber } from './whole-number.ts'

type Format = (typeof fileFormats)[number]

/** Adds the three commands. */
export function addLogCommands(nextrie: Command, parts: CommandParts): void {
  addExport(nextrie, parts)
  addImport(nextrie, parts)
  addForget(nextrie, parts)
}

const formatOption = () =>
  new Option('--format <format>', "what the file's name tells when absent").choices(fileFormats)

interface ExportCommand {
  readonly format?: Format
  readonly fromPosition: number
  readonly toPosition?: number
}

function addExport(nextrie: Command, parts: CommandParts): void {
  nextrie
    .command('export')
    .description('write the event log, or a stretch of it, to a file')
    .argument('<file>', '.ndjson, .csv (either with .gz behind it) or .parquet')
    .addOption(formatOption())
    .option('--from-position <number>', 'the first position wanted', wholeNumber(1), 1)
    .option('--to-position <number>', 'the last one; the newest event when absent', wholeNumber(1))
    .action((path: string, options: ExportCommand) =>
      parts.withDatabase(pool => runExport(pool, fileOf(path, options.format), options, parts))
    )
}

async function runExport(
  pool: Pool,
  file: EventFile,
  { fromPosition: from, toPosition }: ExportCommand,
  { write, interruption }: CommandParts
): Promise<void> {
  const { exportEvents } = await import('#shared/eventlog/files/export-events.ts')
  const signal = interruption()
  const newest = await lastPosition(pool)
  const upTo = Math.min(toPosition ?? newest, newest)
  const total = Math.max(0, upTo - from + 1)
  const progress = createProgress({ title: 'exporting positions', total, stream: process.stderr })
  const onProgress = (events: number, at: number) => progress.update(at - from + 1, { events })
  const outcome = await exportEvents({
    connection: pool,
    file,
    from,
    upTo,
    onProgress,
    signal
  }).finally(() => progress.finish())
  const { events, nextPosition, isWhole } = outcome
  write(`${count(events)} events in ${file.path}; later ones: --from-position ${nextPosition}`)
  if (isWhole) return
  throw new RecommenderError(
    'INTERRUPTED',
    `interrupted: the rest goes into another file, with --from-position ${nextPosition}`
  )
}

interface ImportCommand {
  readonly format?: Format
  readonly restart?: boolean
}

function addImport(nextrie: Command, parts: CommandParts): void {
  nextrie
    .command('import')
    .description(
      'import a file of events, or a data set as items and clicks; a repeat adds nothing'
    )
    .argument(
      '[source]',
      'a .ndjson, .csv (either with .gz) or .parquet file; a data set by its folder or bundled name',
      'eshop-clothing-2008'
    )
    .addOption(formatOption())
    .option('--restart', 'read a file anew that was imported, or begun, before')
    .action((source: string, options: ImportCommand) =>
      parts.withDatabase(async pool => {
        const isFile = existsSync(source) && statSync(source).isFile()
        if (isFile) await importFile(pool, fileOf(source, options.format), options, parts)
        else await importFolder(pool, source, parts)
      })
    )
}

/** A wrong file has a fault on every row; after some it is clear what is wrong. */
const shownFaults = 20

async function importFile(
  pool: Pool,
  file: EventFile,
  { restart: isRestart = false }: ImportCommand,
  { write, interruption }: CommandParts
): Promise<void> {
  const { importEvents } = await import('#shared/eventlog/files/import-events.ts')
  const title = `importing ${basename(file.path)} (%)`
  const progress = createProgress({ title, total: 100, stream: process.stderr })
  const faults: string[] = []
  const signal = interruption()
  let rowsDone = 0
  const work = importEvents({
    pool,
    file,
    isRestart,
    onRejected: (row, reason) => {
      if (faults.length < shownFaults) faults.push(`${basename(file.path)} row ${row}: ${reason}\n`)
    },
    onProgress: (share, { resumedAt, appended, duplicates, rejected }) => {
      rowsDone = resumedAt + appended + duplicates + rejected
      progress.update(Math.floor(100 * share), { events: appended + duplicates })
    },
    signal
  })
  const told = () =>
    `after row ${count(rowsDone)}: what stands up to there is in the log; run it again for the rest`
  const outcome = await interruptible(signal, work, told).finally(() => {
    progress.finish()
    for (const fault of faults) process.stderr.write(fault)
  })
  const { resumedAt, appended, duplicates, rejected } = outcome
  const sentence = [
    `${count(appended)} events of ${basename(file.path)} appended`,
    duplicates > 0 && `${count(duplicates)} were in the log`,
    rejected > 0 && `${count(rejected)} rows rejected`,
    resumedAt > 0 && `its first ${count(resumedAt)} rows were imported before (--restart)`
  ]
  write(sentence.filter(Boolean).join('; '))
}

async function importFolder(
  pool: Pool,
  source: string,
  { write, interruption }: CommandParts
): Promise<void> {
  const { describeImport, reportImport } = await import('./report-import.ts')
  const folder = findDataset(source)
  const startedAt = performance.now()
  const signal = interruption()
  const work = reportImport({ pool, folder, stream: process.stderr, signal })
  const told = () => 'between two batches: what was imported stays; run it again for the rest'
  const counts = await interruptible(signal, work, told)
  const seconds = (performance.now() - startedAt) / 1000
  write(`${describeImport(folder, counts)}, in ${seconds.toFixed(1)} s`)
}

function addForget(nextrie: Command, { withDatabase, write }: CommandParts): void {
  nextrie
    .command('forget')
    .description('erase one visitor from log, session tails and dead letters; recorded')
    .argument('<visitor>', 'the id that the events name')
    .action((visitor: string) =>
      withDatabase(async pool => {
        const { events, tails, deadLetters } = await forgetVisitor(pool, visitor)
        write(
          `erased ${count(events)} events, ${count(tails)} session tails and ` +
            `${count(deadLetters)} dead letters`
        )
      })
    )
}

function fileOf(path: string, format: Format | undefined): EventFile {
  const file = eventFile(resolve(path), format)
  if (file) return file
  throw new RecommenderError(
    'ARGUMENT_INVALID',
    `${path}: its name tells no format; say --format ${fileFormats.join(', ')}`
  )
}

function count(value: number): string {
  return value.toLocaleString('en')
}
