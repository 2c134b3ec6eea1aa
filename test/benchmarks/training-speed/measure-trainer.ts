// A process that times our trainer: measure-trainer.ts BACKEND DATASET STEPS. Prints one Measured.

import { startTrainingBackend } from '#services/trainer/backend.ts'
import { bagNames, batchLoss } from '#services/trainer/batch-loss.ts'
import { createCandidates } from '#services/trainer/candidates.ts'
import type { BackendChoice } from '#services/trainer/config.ts'
import { gradientsOf } from '#services/trainer/gradients.ts'
import { readBags, readsOf } from '#services/trainer/item-table.ts'
import { stepParts } from '#services/trainer/step-clock.ts'
import { createTrainer } from '#services/trainer/train-encoder.ts'
import { noDropout } from '#shared/model/layers.ts'
import { embedBags, type Lookups } from '#shared/model/unified-embedding.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { type BenchSet, loadSet } from '../quality/load-set.ts'
import { batchesFor } from './batches-for.ts'
import {
  isMemoryRead,
  learningRate,
  type Measured,
  type MemoryAt,
  seed,
  warmUpSteps
} from './measured.ts'

type Trainer = ReturnType<typeof createTrainer>

const [backend, dataset, count] = process.argv.slice(2)
const steps = Number(count)
await startTrainingBackend(backend as BackendChoice, createLogger({ name: 'speed', level: 'warn' }))
const loaded = (await loadSet({ dataset: dataset! }))!
const trainer = createTrainer(loaded.set, loaded.recipe, createRandom(seed))
process.stdout.write(JSON.stringify(measure(loaded, trainer)))

function measure(of: BenchSet, { clock, step }: Trainer): Measured {
  const batches = batchesFor(of, warmUpSteps + steps)
  const firstLoss = lossOf(of, trainer, batches[0]!)
  for (const batch of batches.slice(0, warmUpSteps)) step(batch, learningRate)

  const warmUp = { ...clock.milliseconds }
  const memory: MemoryAt[] = []
  let [examples, lastLoss] = [0, 0]
  batches.slice(warmUpSteps).forEach((batch, i) => {
    lastLoss = step(batch, learningRate)
    examples += batch.targets.length
    if (isMemoryRead(i + 1, steps)) memory.push(memoryAt(i + 1))
  })

  const spent = stepParts.map(part => clock.milliseconds[part] - warmUp[part])
  const milliseconds = spent.reduce((sum, part) => sum + part, 0)
  return {
    msPerStep: milliseconds / steps,
    examplesPerSecond: (1000 * examples) / milliseconds,
    shares: Object.fromEntries(stepParts.map((part, i) => [part, spent[i]! / milliseconds])),
    firstLoss,
    lastLoss,
    memory,
    peakMegabytes: process.resourceUsage().maxRSS / 1024
  }
}

/** With nothing dropped and no key hidden. */
function lossOf(
  { set, recipe }: BenchSet,
  { config, weights }: Trainer,
  batch: Parameters<Trainer['step']>[0]
) {
  const { table, ...dense } = weights
  const candidates = createCandidates(set.clicks, recipe, createRandom(seed)).forStep(
    batch.targets,
    batch.items
  )
  const { items } = candidates
  const embed = (lookups: Lookups) =>
    embedBags(table!.values as Float32Array, config.rowWidth, lookups)
  const bags = readBags(embed, readsOf(set, items), items.length)
  const objective = {
    config,
    batch,
    candidates,
    drop: noDropout,
    keyMask: new Float32Array(items.length).fill(1),
    classes: set.categories.map(({ classes }) => classes),
    categoryLossWeight: recipe.categoryLossWeight
  }
  const leaves = { ...dense, [bagNames.metadata]: bags.metadata, [bagNames.key]: bags.key }
  return gradientsOf(tensors => batchLoss(tensors, objective), leaves).loss
}

/** Without garbage, so that growth is a leak and not the collector taking its time. */
function memoryAt(step: number): MemoryAt {
  ;(globalThis as { gc?: () => void }).gc?.()
  return { step, megabytes: process.memoryUsage.rss() / 2 ** 20 }
}
