// `nextrie dead-letters list | show | replay | drop`.
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Pool } from '#shared/database/pool.ts'
import {
  countDeadLetters,
  type DeadLetterFilter,
  deleteDeadLetters,
  listDeadLetters,
  summarizeDeadLetters
} from '#shared/eventlog/dead-letters.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { createProgress } from '#shared/runtime/progress.ts'
import { describeLetter, describeLetters } from './describe-dead-letters.ts'
import { interruptible } from './interruption.ts'
import type { LetterKind, ReplayCounts } from './replay-dead-letters.ts'
import { wholeNumber } from './whole-number.ts'

const positive = wholeNumber(1)

export interface CommandParts {
  /** Runs an act on the database of DATABASE_URL, and ends the pool after it. */
  readonly withDatabase: (act: (pool: Pool) => Promise<void>) => Promise<void>
  readonly write: (line: string) => void
  /** Which topics hold events and items. */
  readonly topics: () => { readonly eventsTopic: string; readonly itemsTopic: string }
  /** Aborted when the command is interrupted. */
  readonly interruption: () => AbortSignal
}

/** Adds the four commands. */
export function addDeadLetterCommands(nextrie: Command, parts: CommandParts): void {
  const letters = nextrie
    .command('dead-letters')
    .description('messages that were not accepted: look at them, replay them, drop them')
  addList(letters, parts)
  addShow(letters, parts)
  addReplay(letters, parts)
  addDrop(letters, parts)
}

interface FilterOptions {
  readonly topic?: string
  readonly reason?: string
  readonly since?: Date
}

function withFilters(command: Command): Command {
  return command
    .option('--topic <name>', 'only those of this topic')
    .option('--reason <text>', 'only those whose reason has this text in it')
    .option('--since <time>', 'only those received since, as 2026-03-01 or 2026-03-01T09:30Z', time)
}

function addList(letters: Command, { withDatabase, write }: CommandParts): void {
  withFilters(letters.command('list'))
    .description('list them, oldest first')
    .option('--limit <number>', 'how many at most', positive, 50)
    .option('--json', 'a line of JSON for each')
    .action((options: FilterOptions & { limit: number; json?: boolean }) =>
      withDatabase(async pool => {
        const filter = filterOf([], options)
        const found = await summarizeDeadLetters(pool, { ...filter, limit: options.limit })
        if (options.json) for (const letter of found) write(JSON.stringify(letter))
        else if (found.length > 0) write(describeLetters(found))
        const count = await countDeadLetters(pool, filter)
        if (!options.json) write(`${found.length} of ${count} dead letters`)
      })
    )
}

function addShow(letters: Command, { withDatabase, write }: CommandParts): void {
  letters
    .command('show')
    .description('show all of one, bytes made safe for the terminal')
    .argument('<id>', 'its number in the list', positive)
    .option('--bytes <number>', 'of the payload at most', positive, 4096)
    .option('--raw', 'the bytes of the payload alone, as they came')
    .action((id: number, { bytes, raw }: { bytes: number; raw?: boolean }) =>
      withDatabase(async pool => {
        const [letter] = await listDeadLetters(pool, { ids: [id], limit: 1 })
        if (!letter) throw new RecommenderError('ARGUMENT_INVALID', `there is no dead letter ${id}`)
        if (raw) process.stdout.write(letter.payload ?? '')
        else write(describeLetter(letter, bytes))
      })
    )
}

interface ReplayOptions extends FilterOptions {
  readonly limit?: number
  readonly as?: LetterKind
}

function addReplay(letters: Command, parts: CommandParts): void {
  withFilters(letters.command('replay'))
    .description('accept what is acceptable by now; the rest stays. A repeat adds nothing')
    .argument('[ids...]', 'their numbers in the list; all that the filters name when absent', ids)
    .option('--limit <number>', 'how many at most', positive)
    .addOption(
      new Option(
        '--as <kind>',
        'what they are; when absent, KAFKA_EVENTS_TOPIC and KAFKA_ITEMS_TOPIC say it'
      ).choices(['event', 'item'])
    )
    .action((numbers: number[] | undefined, options: ReplayOptions) =>
      parts.withDatabase(async pool => {
        const { replayDeadLetters } = await import('./replay-dead-letters.ts')
        const filter = filterOf(numbers, options)
        const { limit = Number.MAX_SAFE_INTEGER } = options
        const total = Math.min(limit, await countDeadLetters(pool, filter))
        const progress = createProgress({ title: 'replaying', total, stream: process.stderr })
        const { eventsTopic, itemsTopic } = parts.topics()
        const kinds = new Map<string, LetterKind>([
          [eventsTopic, 'event'],
          [itemsTopic, 'item']
        ])
        const signal = parts.interruption()
        let done = 0
        const work = replayDeadLetters({
          pool,
          filter,
          limit,
          kindOf: topic => options.as ?? kinds.get(topic),
          onProgress: letters => {
            done = letters
            progress.update(done)
          },
          signal
        })
        const told = () =>
          `after ${done} of ${total} letters: what was accepted is replayed; run it again for the rest`
        const counts = await interruptible(signal, work, told).finally(() => progress.finish())
        parts.write(describeReplay(counts))
      })
    )
}

function describeReplay(counts: ReplayCounts): string {
  const told = [
    `${counts.appended} events appended`,
    counts.duplicates > 0 && `${counts.duplicates} were in the log already`,
    counts.items > 0 && `${counts.items} items changed`,
    counts.rejected > 0 && `${counts.rejected} refused again`,
    counts.outdated > 0 && `${counts.outdated} left: their item has changed since`,
    counts.unknown > 0 && `${counts.unknown} left: of another topic, say what they are with --as`
  ]
  return told.filter(Boolean).join('; ')
}

function addDrop(letters: Command, { withDatabase, write }: CommandParts): void {
  withFilters(letters.command('drop'))
    .description('remove them for good')
    .argument('[ids...]', 'their numbers in the list', ids)
    .option('--yes', 'drop all that the filters name, or all there are')
    .action((numbers: number[] | undefined, options: FilterOptions & { yes?: boolean }) =>
      withDatabase(async pool => {
        const filter = filterOf(numbers, options)
        if (filter.ids === undefined && !options.yes) {
          const count = await countDeadLetters(pool, filter)
          const message = `this would drop ${count} dead letters for good: name their ids, or add --yes`
          throw new RecommenderError('ARGUMENT_INVALID', message)
        }
        write(`${await deleteDeadLetters(pool, filter)} dead letters dropped`)
      })
    )
}

function filterOf(
  numbers: readonly number[] | undefined,
  { topic, reason, since }: FilterOptions
): DeadLetterFilter {
  return {
    ...(numbers && numbers.length > 0 && { ids: numbers }),
    ...(topic !== undefined && { topic }),
    ...(reason !== undefined && { reason }),
    ...(since !== undefined && { since })
  }
}

function ids(text: string, before: number[] = []): number[] {
  return [...before, positive(text)]
}

function time(text: string): Date {
  const value = new Date(text)
  if (/^\d{4}-\d\d-\d\d/.test(text) && !Number.isNaN(value.getTime())) return value
  throw new InvalidArgumentError('It must be a time, as 2026-03-01T09:30Z.')
}
