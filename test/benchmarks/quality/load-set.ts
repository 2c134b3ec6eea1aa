// A data set as the trainer reads it, with the recipe that follows from it.
import { existsSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { type Recipe, recipe, type SettledRecipe, settleRecipe } from '#services/trainer/config.ts'
import { buildTrainingSet, type TrainingSet } from '#services/trainer/training-set.ts'
import type { BenchOptions } from '../report.ts'
import { readSplitDataset, type SplitDataset } from './read-dataset.ts'

export interface BenchSet {
  readonly name: string
  readonly dataset: SplitDataset
  readonly set: TrainingSet
  readonly recipe: SettledRecipe
}

/**
 * Names are looked up beside this checkout, in ../shared/data, which is not part of the product.
 *
 * @param options `--dataset`; `--shuffle-ties SEED`; `--recipe` with settings as JSON that replace the
 *   defaults, for experiments.
 * @returns undefined, and says so, where the data set is not there.
 */
export async function loadSet(
  options: BenchOptions,
  change: (dataset: SplitDataset) => SplitDataset = dataset => dataset
): Promise<BenchSet | undefined> {
  const name = String(options.dataset ?? 'amazon-beauty-2014')
  const folder = [resolve(name), join('..', 'shared', 'data', name)].find(existsSync)
  if (!folder) {
    process.stderr.write(
      `SKIPPED: there is no data set ${name} here; give the path of its folder\n`
    )
    return undefined
  }
  const shuffle = options['shuffle-ties']
  const read = await readSplitDataset(folder, shuffle === undefined ? undefined : Number(shuffle))
  const dataset = change(read)
  const open = { ...recipe, ...(JSON.parse(String(options.recipe ?? '{}')) as Partial<Recipe>) }
  const set = buildTrainingSet(dataset.items, dataset, open, dataset.asked)
  const settled = settleRecipe(open, { ...set, items: set.itemKeys.length })
  process.stderr.write(
    `${name}: ${dataset.protocol}; ${set.itemKeys.length} items, ${set.targets} training targets; ` +
      `${settled.epochs} epochs, dropout ${settled.dropout.toFixed(2)}, rate ${settled.learningRate}\n`
  )
  return { name: basename(folder), dataset, set, recipe: settled }
}
