// `nextrie index`: how the items of a catalogue get their IDs under a scheme, what an ID stands for,
// and what the IDs are like as a whole.
import { type Command, Option } from 'commander'
import type { Pool } from '#shared/database/pool.ts'
import { explainItem } from '#shared/itemids/explain-item.ts'
import { idStatistics } from '#shared/itemids/id-statistics.ts'
import { type Scheme, schemes } from '#shared/itemids/item-ids.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { CatalogueSource, IndexedCatalogue } from './index-command-source.ts'
import { describeCatalogue, describeItem, describeStatistics } from './index-command-text.ts'

export interface IndexCommandParts {
  /** Runs an act on the database of DATABASE_URL, and ends the pool after it. */
  readonly withDatabase: (act: (pool: Pool) => Promise<void>) => Promise<void>
  /** Whether DATABASE_URL is set. */
  readonly hasDatabase: () => boolean
  readonly write: (line: string) => void
}

interface IndexOptions {
  readonly scheme?: Scheme
  readonly explain?: string
  readonly dataset?: string
  readonly seed: string
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
    .option('--seed <number>', 'of what is drawn at random', '1')
    .action(async (report: string | undefined, options: IndexOptions) => {
      if (report !== undefined && report !== 'stats') {
        throw new RecommenderError('ARGUMENT_INVALID', `there is no report ${report}: try stats`)
      }
      const seed = Number(options.seed)
      if (!Number.isInteger(seed)) {
        throw new RecommenderError('ARGUMENT_INVALID', '--seed must be a whole number')
      }
      const { indexCatalogue } = await import('./index-command-source.ts')
      await withSource(parts, options.dataset, source => {
        const catalogue = indexCatalogue(source, { scheme: options.scheme, seed })
        parts.write(reportOf(catalogue, report, options.explain))
      })
    })
}

/** The data set that was named, or else the database if there is one, or else the bundled data. */
async function withSource(
  { withDatabase, hasDatabase }: IndexCommandParts,
  dataset: string | undefined,
  act: (source: CatalogueSource) => void
): Promise<void> {
  const { readDatabaseSource, readDatasetSource } = await import('./index-command-source.ts')
  if (dataset === undefined && hasDatabase()) {
    await withDatabase(async pool => act(await readDatabaseSource(pool)))
  } else act(await readDatasetSource(dataset ?? bundled))
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
    `${catalogue.name} has no item ${key}: name one of its ${catalogue.items.length} items, as ${known.join(', ')}`
  )
}
