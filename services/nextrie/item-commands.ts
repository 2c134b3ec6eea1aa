// `nextrie items import FILE`: many items into the catalogue.
import { open } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Command } from 'commander'
import { type ImportedItems, importItems, type RejectedLine } from '#shared/catalog/import-items.ts'
import type { Pool } from '#shared/database/pool.ts'
import { readChunks } from '#shared/eventlog/files/text-file.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { createProgress } from '#shared/runtime/progress.ts'
import type { CommandParts } from './dead-letter-commands.ts'
import { interruptible } from './interruption.ts'

interface ImportCommand {
  readonly rejected?: string
}

/** Adds the command. */
export function addItemCommands(nextrie: Command, parts: CommandParts): void {
  nextrie
    .command('items')
    .description('the catalogue')
    .command('import')
    .description('add items, or describe them anew; what is there already is written again')
    .argument('<file>', '.ndjson or .ndjson.gz: an item a line, as on the items topic')
    .option('--rejected <file>', 'where to write every line that was rejected, and why')
    .action((path: string, options: ImportCommand) =>
      parts.withDatabase(pool => runImport(pool, path, options, parts))
    )
}

/** A wrong file has a fault on every line; after some it is clear what is wrong. */
const shownFaults = 20

async function runImport(
  pool: Pool,
  path: string,
  { rejected: reportPath }: ImportCommand,
  { write, interruption }: CommandParts
): Promise<void> {
  const { decodeItem } = await import('#shared/events/decode-item.ts')
  const { chunks, share } = await openItems(path)
  const report = reportPath === undefined ? undefined : await openReport(reportPath)
  const title = `importing ${basename(path)} (%)`
  const progress = createProgress({ title, total: 100, stream: process.stderr })
  const shown: string[] = []
  let done: ImportedItems = { lines: 0, accepted: 0, rejected: 0 }
  const tell = async (line: RejectedLine) => {
    if (shown.length < shownFaults) {
      shown.push(`${basename(path)} line ${line.line}: ${line.rejected}\n`)
    }
    await report?.add(line)
  }
  const signal = interruption()
  try {
    const work = importItems({
      connection: pool,
      chunks,
      check: line => {
        const decoded = decodeItem({ key: null, value: line })
        return 'removedKey' in decoded ? { rejected: 'it names no item' } : decoded
      },
      onRejected: tell,
      onProgress: now => {
        done = now
        progress.update(Math.floor(100 * share()), { items: now.accepted, rejected: now.rejected })
      },
      signal
    })
    done = await interruptible(
      signal,
      work,
      () =>
        `after line ${count(done.lines)}: what stands up to there is in the catalogue; ` +
        'run it again for the rest'
    )
  } finally {
    progress.finish()
    for (const line of shown) process.stderr.write(line)
    await report?.close()
  }
  const more = done.rejected > shown.length && reportPath === undefined
  const told = [
    `${count(done.accepted)} items of ${basename(path)} are in the catalogue`,
    done.rejected > 0 && `${count(done.rejected)} lines rejected`,
    more && 'for all of them: --rejected FILE'
  ]
  write(told.filter(Boolean).join('; '))
}

async function openItems(path: string): ReturnType<typeof readChunks> {
  try {
    return await readChunks({ path, format: 'ndjson', isCompressed: path.endsWith('.gz') })
  } catch (cause) {
    throw new RecommenderError('ARGUMENT_INVALID', `${path} cannot be read: name a file of items`, {
      cause
    })
  }
}

interface Report {
  add(line: RejectedLine): Promise<void>
  close(): Promise<void>
}

/** Characters that wait to be written together. */
const reportBuffer = 65_536

async function openReport(path: string): Promise<Report> {
  const file = await open(path, 'w').catch(cause => {
    const message = `${path} cannot be written: name a file in a folder that is there`
    throw new RecommenderError('ARGUMENT_INVALID', message, { cause })
  })
  let waiting = ''
  const flush = async () => {
    const text = waiting
    waiting = ''
    await file.appendFile(text)
  }
  return {
    async add(line) {
      waiting += `${JSON.stringify(line)}\n`
      if (waiting.length >= reportBuffer) await flush()
    },
    async close() {
      try {
        await flush()
      } finally {
        await file.close()
      }
    }
  }
}

function count(value: number): string {
  return value.toLocaleString('en')
}
