// A training set, a recipe and a step that a plain-JavaScript backend works through in a second.
import { createBagKernel } from '#services/trainer/bag-kernel.ts'
import { bagNames, batchLoss, type Objective } from '#services/trainer/batch-loss.ts'
import { batchOf, windowsOf } from '#services/trainer/batches.ts'
import type { SettledRecipe } from '#services/trainer/config.ts'
import { type Differentiated, gradientsOf } from '#services/trainer/gradients.ts'
import { readBags, readsOf } from '#services/trainer/item-table.ts'
import type { TrainingSet } from '#services/trainer/training-set.ts'
import type { Item } from '#shared/catalog/item.ts'
import { noDropout } from '#shared/model/layers.ts'
import type { NamedArrays } from '#shared/model/safetensors.ts'
import type { SessionInput } from '#shared/recommendations/session-input.ts'
import type { ProgressFields } from '#shared/runtime/progress.ts'
import { tinyConfig, tinyItemCount, tinyLookups } from './tiny-model.ts'

export const tinyRecipe: SettledRecipe = {
  width: tinyConfig.width,
  rowWidth: tinyConfig.rowWidth,
  blocks: 1,
  heads: tinyConfig.heads,
  maxLength: tinyConfig.maxLength,
  gapBuckets: tinyConfig.gapBuckets,
  tableBytes: 512 * 4 * tinyConfig.rowWidth,
  chunks: {},
  epochs: 2,
  clicksPerBatch: 32,
  learningRate: 0.02,
  dropout: 0.1,
  keyDropout: 0.3,
  categoryLossWeight: 0.1,
  pooling: 'last',
  fullSoftmaxItems: 50_000,
  negatives: 4,
  optimizer: { beta1: 0.9, beta2: 0.98, weightDecay: 0.01, clipNorm: 5 },
  scheme: 'residual-kmeans',
  newItemLoss: 0.025,
  rehearsedItems: 0,
  decoderSessions: 100,
  decoderEpochs: 2,
  decoderLearningRate: 0.02
}

/** Clicks on these items, each a minute after the one before. */
export function tinySession(items: readonly number[]): SessionInput {
  return {
    items: Int32Array.from(items),
    types: new Int32Array(items.length),
    gaps: Int32Array.from(items, (_, n) => (n === 0 ? 0 : 4))
  }
}

function tinyItem(i: number): Item {
  return { key: `item ${i}`, attributes: {}, isVisible: true }
}

/** A set whose validation and test are the sessions it is trained on: what can be learned by heart. */
export function tinyTrainingSet(
  sessions: readonly (readonly number[])[],
  itemCount: number
): TrainingSet {
  const { metadata, key, rows } = tinyLookups(itemCount)
  const inputs = sessions.map(tinySession)
  const clicks = new Int32Array(itemCount)
  for (const item of sessions.flat()) clicks[item]!++
  const items = Array.from({ length: itemCount }, (_, i) => tinyItem(i))
  return {
    itemKeys: items.map(({ key }) => key),
    items,
    reading: { features: [], keyLayout: { name: 'item key', chunks: 2 }, buckets: 512 },
    reachedRows: rows,
    columns: tinyConfig.columns,
    metadata,
    key,
    // The colour of an item, see tinyLookups; every fourth one has none.
    categories: [
      { count: 3, classes: Int32Array.from(clicks.keys(), i => (i % 4 === 3 ? -1 : i % 4)) }
    ],
    training: inputs,
    validation: inputs,
    test: inputs,
    clicks,
    targets: inputs.reduce((sum, { items }) => sum + items.length - 1, 0),
    asked: 'every-click',
    toldApart: 1,
    repeats: true
  }
}

/** What a step asks of the tiny model: three sessions, every item a candidate. */
export function tinyObjective(changes: Partial<Objective> = {}): Objective {
  const sessions = [[0, 1, 2, 3], [8, 7], [4, 4, 5, 6]].map(tinySession) // biome-ignore format: short
  const items = Int32Array.from({ length: tinyItemCount }, (_, item) => item)
  return {
    config: tinyConfig,
    batch: batchOf(windowsOf(sessions, tinyConfig.maxLength)),
    candidates: { items, count: tinyItemCount, placeOf: item => item },
    drop: noDropout,
    keyMask: new Float32Array(tinyItemCount).fill(1),
    classes: [Int32Array.of(0, 1, 2, -1, 0, 1, 2, -1, 0)],
    categoryLossWeight: 0.1,
    ...changes
  }
}

/** Loss and gradients of the tiny model's weights, the table's among them, as the trainer has them. */
export function tinyGradients(
  { table, ...dense }: NamedArrays,
  objective = tinyObjective()
): Differentiated {
  const { items } = objective.candidates
  const keys = Array.from({ length: tinyItemCount }, (_, i) => tinyItem(i).key)
  const lookups = { ...tinyLookups(tinyItemCount), columns: tinyConfig.columns, itemKeys: keys }
  const reads = readsOf(lookups, items)
  const kernel = createBagKernel(table!.values as Float32Array, tinyConfig.rowWidth)
  const bags = readBags(kernel.embed, reads, items.length)
  const { loss, gradients } = gradientsOf(tensors => batchLoss(tensors, objective), {
    ...dense,
    [bagNames.metadata]: bags.metadata,
    [bagNames.key]: bags.key
  })
  const { [bagNames.metadata]: metadata, [bagNames.key]: key, ...ofDense } = gradients
  if (metadata) kernel.addGradients(metadata, reads.metadata)
  if (key) kernel.addGradients(key, reads.key)
  return { loss, gradients: { ...ofDense, table: kernel.gradient } }
}

/** Keeps what was reported. */
export function listeningReporter() {
  const lines: string[] = []
  const fields: ProgressFields[] = []
  return {
    lines,
    /** Of each step. */
    fields,
    start(title: string, total: number) {
      lines.push(`${title} of ${total}`)
    },
    update(done: number, shown: ProgressFields) {
      lines.push(String(done))
      fields.push(shown)
    },
    finish() {
      lines.push('finished')
    }
  }
}
