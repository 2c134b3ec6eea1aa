// An import as the command line shows it: progress, the first faults, and a sentence at the end.
import { basename } from 'node:path'
import type { Pool } from '#shared/database/pool.ts'
import { createProgress } from '#shared/runtime/progress.ts'
import { type ImportCounts, importDataset, type RejectedLine } from './import-dataset.ts'
import { surveyDataset } from './read-dataset.ts'

/** A wrong file has a fault on every line; after some it is clear what is wrong. */
const shownFaults = 20

export interface ReportedImport {
  readonly pool: Pool
  readonly folder: string
  /** Where progress and faults go. */
  readonly stream: NodeJS.WriteStream
  readonly signal?: AbortSignal
}

/** Imports, and says what came of it. */
export async function reportImport(options: ReportedImport): Promise<ImportCounts> {
  const { stream, folder } = options
  const { events: total } = await surveyDataset(folder)
  const progress = createProgress({ title: `importing ${basename(folder)}`, total, stream })
  const faults: RejectedLine[] = []
  try {
    return await importDataset({
      ...options,
      onRejected: fault => faults.length < shownFaults && faults.push(fault),
      onProgress: lines => progress.update(lines)
    })
  } finally {
    progress.finish()
    for (const { file, line, reason } of faults) stream.write(`${file} line ${line}: ${reason}\n`)
  }
}

/** `217 items and 165,474 events of eshop-clothing-2008; 2 lines rejected`. */
export function describeImport(folder: string, counts: ImportCounts): string {
  const number = (value: number) => value.toLocaleString('en')
  const duplicates = counts.duplicates > 0 ? ` (${number(counts.duplicates)} more were there)` : ''
  const rejected = counts.rejected > 0 ? `; ${number(counts.rejected)} lines rejected` : ''
  const events = `${number(counts.appended)} events${duplicates}`
  return `${number(counts.items)} items and ${events} of ${basename(folder)}${rejected}`
}
