// The batches of a measured run: those of the trainer's own epochs, one epoch after another.
import { type Batch, drawBatches, windowsOf } from '#services/trainer/batches.ts'
import { createRandom } from '#shared/runtime/random.ts'
import type { BenchSet } from '../quality/load-set.ts'
import { seed } from './measured.ts'

/** The same set gives the same batches in every process. */
export function batchesFor({ set, recipe }: BenchSet, steps: number): Batch[] {
  const random = createRandom(seed)
  const windows = windowsOf(set.training, recipe.maxLength)
  const batches: Batch[] = []
  while (batches.length < steps)
    batches.push(...drawBatches(windows, recipe.clicksPerBatch, random))
  return batches.slice(0, steps)
}
