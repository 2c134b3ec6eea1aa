// A training set and a recipe that a plain-JavaScript backend works through in a second.
import type { SettledRecipe } from '#services/trainer/config.ts'
import type { TrainingSet } from '#services/trainer/training-set.ts'
import type { SessionInput } from '#shared/recommendations/session-input.ts'
import type { ProgressFields } from '#shared/runtime/progress.ts'
import { tinyConfig, tinyLookups } from './tiny-model.ts'

export const tinyRecipe: SettledRecipe = {
  width: tinyConfig.width,
  rowWidth: tinyConfig.rowWidth,
  blocks: 1,
  heads: tinyConfig.heads,
  maxLength: tinyConfig.maxLength,
  gapBuckets: tinyConfig.gapBuckets,
  buckets: 512,
  epochs: 2,
  clicksPerBatch: 32,
  learningRate: 0.02,
  dropout: 0.1,
  keyDropout: 0.3,
  categoryLossWeight: 0.1,
  optimizer: { beta1: 0.9, beta2: 0.98, weightDecay: 0.01, clipNorm: 5 },
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

/** A set whose validation and test are the sessions it is trained on: what can be learned by heart. */
export function tinyTrainingSet(
  sessions: readonly (readonly number[])[],
  itemCount: number
): TrainingSet {
  const { metadata, key, rows } = tinyLookups(itemCount)
  const inputs = sessions.map(tinySession)
  const clicks = new Int32Array(itemCount)
  for (const item of sessions.flat()) clicks[item]!++
  return {
    itemKeys: Array.from({ length: itemCount }, (_, i) => `item ${i}`),
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
    repeats: true
  }
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
