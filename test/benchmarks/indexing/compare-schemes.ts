// Compares item-ID schemes: one encoder for each seed, trained once, and every scheme's decoder and
// ranking on it. Each finished scheme is recorded at once, so that a run that was interrupted goes on
// where it was, and that a long comparison can be made in several runs.
import { startTrainingBackend } from '#services/trainer/backend.ts'
import { recipe, type SettledRecipe, settleRecipe } from '#services/trainer/config.ts'
import { terminalReporter } from '#services/trainer/terminal-reporter.ts'
import { type Reporter, trainEncoder } from '#services/trainer/train-encoder.ts'
import { buildTrainingSet, type TrainingSet } from '#services/trainer/training-set.ts'
import type { Scheme } from '#shared/itemids/item-ids.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { readSplitDataset, type SplitDataset } from '../quality/read-dataset.ts'
import { drawColdItems, withoutClicksOn } from './cold-start.ts'
import { type Comparison, type ComparisonRecord, openRecord } from './comparison-record.ts'
import { type EncodedSet, measureScheme, type SchemeResult } from './measure-scheme.ts'

export interface ComparisonTask {
  readonly folder: string
  /** The data set's name. */
  readonly dataset: string
  readonly schemes: readonly Scheme[]
  readonly seeds: readonly number[]
  readonly epochs: number | undefined
  /** About so many test questions, evenly drawn; absent for all. */
  readonly mostQuestions: number | undefined
  /** Share of the items whose clicks are taken away for the cold measurement; 0 leaves it out. */
  readonly coldShare: number
  /** FILE.md of the page, beside which everything measured is kept; absent to keep nothing. */
  readonly report: string | undefined
  readonly command: string
  /** YYYY-MM-DD */
  readonly date: string
}

/** All that is recorded, of earlier runs too. @throws when those had other settings. */
export async function compareSchemes(task: ComparisonTask): Promise<Comparison> {
  const log = createLogger({ name: 'indexing', level: 'warn' })
  const backend = await startTrainingBackend('auto', log)
  const report = terminalReporter(process.stderr)
  const dataset = await readSplitDataset(task.folder)
  const plain = setOf(dataset, task)
  process.stderr.write(
    `${task.dataset}: ${dataset.protocol}, ${plain.set.itemKeys.length} items, ` +
      `${plain.recipe.epochs} epochs\n`
  )
  const { scheme: _, ...settings } = plain.recipe
  const record = openRecord(task.report, task, {
    dataset: task.dataset,
    protocol: dataset.protocol,
    items: plain.set.itemKeys.length,
    backend: String(backend),
    coldShare: task.coldShare,
    mostQuestions: task.mostQuestions ?? null,
    recipe: settings
  })
  for (const seed of task.seeds) {
    const missing = task.schemes.filter(scheme => !record.has(scheme, seed))
    if (missing.length === 0) continue
    const encoded = await encode(plain, { name: `seed-${seed}`, seed, record, report })
    const cold =
      task.coldShare > 0 ? await encodeCold(dataset, task, { seed, record, report }) : undefined
    for (const [done, scheme] of missing.entries()) {
      process.stderr.write(`seed ${seed}, ${done + 1} of ${missing.length}: ${scheme}\n`)
      const { mostQuestions } = task
      const earlier = record.read().results.filter(result => result.seed === seed)
      const context = { seed, report, log, mostQuestions, cold, earlier }
      const result = await measureScheme(scheme, encoded, context)
      record.add(result)
      process.stderr.write(`${inShort(result)}\n`)
    }
  }
  return record.read()
}

interface SettledSet {
  readonly set: TrainingSet
  readonly recipe: SettledRecipe
}

function setOf(dataset: SplitDataset, { epochs }: ComparisonTask): SettledSet {
  const open = { ...recipe, ...(epochs !== undefined && { epochs }) }
  const set = buildTrainingSet(dataset.items, dataset, open, dataset.asked)
  const settled = settleRecipe(open, { ...set, items: set.itemKeys.length })
  return { set, recipe: settled }
}

interface EncodingTask {
  readonly seed: number
  readonly record: ComparisonRecord
  readonly report: Reporter
}

async function encode(
  { set, recipe: settled }: SettledSet,
  { name, seed, record, report }: EncodingTask & { readonly name: string }
): Promise<EncodedSet> {
  const encoder = await record.encoder(name, () =>
    trainEncoder(set, { recipe: settled, random: createRandom(seed), report })
  )
  return { set, encoder, recipe: settled }
}

/** The same data without the clicks that training and validation have on some items. */
async function encodeCold(dataset: SplitDataset, task: ComparisonTask, encoding: EncodingTask) {
  const coldKeys = drawColdItems(dataset.training, task.coldShare, encoding.seed)
  const without = setOf(withoutClicksOn(coldKeys, dataset), task)
  const encoded = await encode(without, { ...encoding, name: `seed-${encoding.seed}-cold` })
  const keys = encoded.set.itemKeys
  const coldItems = new Set(keys.flatMap((key, item) => (coldKeys.has(key) ? [item] : [])))
  return { ...encoded, coldItems }
}

function inShort(result: SchemeResult): string {
  if ('impossible' in result) {
    return `${result.scheme} cannot index this catalogue: ${result.impossible}`
  }
  const { generator, final } = result.run
  const recall = [generator, final].map(({ all }) => all.recall[10].toFixed(4))
  return `${result.scheme}: Recall@10 ${recall[0]} generator alone, ${recall[1]} final ranking`
}
