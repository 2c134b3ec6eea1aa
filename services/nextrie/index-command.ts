// `nextrie index`: how the items of a catalogue get their IDs under a scheme, what an ID stands for,
// and what the IDs are like as a whole.
import { type Command, Option } from 'commander'
import type { Pool } from '#shared/database/pool.ts'
import { explainItem } from '#shared/itemids/explain-item.ts'
import { idStatistics } from '#shared/itemids/id-statistics.ts'
import { type Scheme, schemes } from '#shared/itemids/item-ids.ts'
import type { SchemeSettings } from '#shared/itemids/scheme.ts'
import { watchFit } from '#shared/itemids/watch-fit.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { CatalogueSource, IndexedCatalogue } from './index-command-source.ts'
import { describeCatalogue, describeItem, describeStatistics } from './index-command-text.ts'
import { wholeNumber } from './whole-number.ts'

export interface IndexCommandParts {
  /** Runs an act on the database of DATABASE_URL, and ends the pool after it. */
  readonly withDatabase: (act: (pool: Pool) => Promise<void>) => Promise<void>
  /** Whether DATABASE_URL is set. */
  readonly hasDatabase: () => boolean
  /** A longer pause between two clicks ends a session. */
  readonly gapMinutes: () => number
  /** Where the progress of a long fit is shown. */
  readonly progressTo: NodeJS.WriteStream
  readonly write: (line: string) => void
}

interface IndexOptions {
  readonly scheme?: Scheme
  readonly explain?: string
  readonly dataset?: string
  readonly seed: number
  readonly branching?: number
  readonly clusterSize?: number
  readonly words?: number
  readonly codesPerLevel?: number
}

const bundled = 'eshop-clothing-2008'

export function addIndexCommand(nextrie: Command, parts: IndexCommandParts): void {
  nextrie
    .command('index')
    .description('show how items get their IDs, what an ID stands for, and what IDs are like')
    .argument('[stats]', 'balance, depth, collisions and unused codes of all IDs')
    .addOption(
      new Option('--scheme <name>', 'how IDs are made').choices(schemes as unknown as string[])
    )
    .option('--explain <item>', 'the ID of this item, what its codes stand for, its neighbours')
    .option('--dataset <folder>', 'a data set folder or the name of a bundled one')
    .option('--seed <number>', 'of what is drawn at random', wholeNumber(0), 1)
    .option('--branching <number>', 'with --scheme: most children of a node', wholeNumber(1))
    .option(
      '--cluster-size <number>',
      'with --scheme: collaborative divides a larger cluster',
      wholeNumber(1)
    )
    .option('--words <number>', 'with --scheme: words of a title or elaborative ID', wholeNumber(1))
    .option('--codes-per-level <number>', 'with --scheme: most codes of a level', wholeNumber(1))
    .action(async (report: string | undefined, options: IndexOptions) => {
      if (report !== undefined && report !== 'stats') {
        throw new RecommenderError('ARGUMENT_INVALID', `there is no report ${report}: try stats`)
      }
      const { scheme, seed } = options
      const asked = { scheme, seed, settings: settingsOf(options) }
      const { indexCatalogue } = await import('./index-command-source.ts')
      await withSource(parts, options, source => {
        const catalogue = watchFit('item IDs', parts.progressTo, onProgress =>
          indexCatalogue(source, { ...asked, onProgress })
        )
        parts.write(reportOf(catalogue, report, options.explain))
      })
    })
}

/** @throws RecommenderError ARGUMENT_INVALID when no scheme is named that they could be for. */
function settingsOf(options: IndexOptions): SchemeSettings {
  const { branching, clusterSize, words, codesPerLevel } = options
  const given = Object.entries({ branching, clusterSize, words, codesPerLevel }).flatMap(
    ([name, value]) => (value === undefined ? [] : [[name, value] as const])
  )
  if (given.length > 0 && options.scheme === undefined) {
    throw new RecommenderError(
      'ARGUMENT_INVALID',
      `${given.map(([name]) => name).join(', ')} of item IDs are settings of a scheme: name one with --scheme`
    )
  }
  return Object.fromEntries(given)
}

/** The data set that was named, or else the database if there is one, or else the bundled data. */
async function withSource(
  { withDatabase, hasDatabase, gapMinutes }: IndexCommandParts,
  { dataset, scheme }: IndexOptions,
  act: (source: CatalogueSource) => void
): Promise<void> {
  const { readDatabaseSource, readDatasetSource } = await import('./index-command-source.ts')
  const task = { gapMinutes: gapMinutes(), withRelease: scheme === undefined }
  if (dataset === undefined && hasDatabase()) {
    await withDatabase(async pool => act(await readDatabaseSource(pool, task)))
  } else act(await readDatasetSource(dataset ?? bundled, task))
}

function reportOf(
  catalogue: IndexedCatalogue,
  report: string | undefined,
  key: string | undefined
): string {
  if (key !== undefined) return explain(catalogue, key)
  return report === 'stats'
    ? describeStatistics(catalogue, idStatistics(catalogue.itemIds, catalogue.trie))
    : describeCatalogue(catalogue)
}

/** @throws RecommenderError ARGUMENT_INVALID when there is no such item. */
function explain(catalogue: IndexedCatalogue, key: string): string {
  const item = catalogue.items.findIndex(each => each.key === key)
  const explanation = item < 0 ? undefined : explainItem(catalogue, item)
  if (explanation) return describeItem(catalogue, item, explanation)
  const known = catalogue.items.slice(0, 3).map(each => each.key)
  throw new RecommenderError(
    'ARGUMENT_INVALID',
    `${catalogue.name} has no item ${key} with an ID: name one of the ${catalogue.items.length} that have one, as ` +
      known.join(', ')
  )
}
