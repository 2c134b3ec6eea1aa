// The trainer's settings from the environment, and the training recipe as typed values in code. Both
// are saved in the release.

import type { Scheme } from '#shared/itemids/item-ids.ts'
import type { SchemeSettings } from '#shared/itemids/scheme.ts'
import type { Pooling } from '#shared/model/model.ts'
import {
  type Environment,
  integer,
  number,
  oneOf,
  path,
  readConfig,
  required,
  yesOrNo
} from '#shared/runtime/config.ts'
import { type LogLevel, logLevels } from '#shared/runtime/logging.ts'
import type { AdamWConfig } from './adamw.ts'
import type { TrainingSet } from './training-set.ts'

export const backendChoices = ['auto', 'native', 'wasm', 'cpu'] as const
export type BackendChoice = (typeof backendChoices)[number]

export interface TrainerConfig {
  readonly databaseUrl: string
  readonly releasesFolder: string
  /** How many of the newest releases stand; the live one does in any case (remove-old-releases.ts). */
  readonly releasesKept: number
  readonly backend: BackendChoice
  readonly seed: number
  readonly sessionGapMinutes: number
  readonly testDays: number
  readonly validationDays: number
  /** Whether a release learns from the days held out, once they have measured it: learn-held-out.ts. */
  readonly learnHeldOut: boolean
  readonly logLevel: LogLevel
}

export function trainerConfig(environment: Environment): TrainerConfig {
  return readConfig<TrainerConfig>(environment, {
    databaseUrl: ['DATABASE_URL', required],
    releasesFolder: ['RELEASES_FOLDER', path('.nextrie/releases')],
    releasesKept: ['RELEASES_KEPT', integer(2, 5)],
    backend: ['TRAINING_BACKEND', oneOf(backendChoices, 'auto')],
    seed: ['SEED', integer(0, 1)],
    sessionGapMinutes: ['SESSION_GAP_MINUTES', integer(0, 30)],
    testDays: ['TEST_DAYS', number(0, 14)],
    validationDays: ['VALIDATION_DAYS', number(0, 14)],
    learnHeldOut: ['LEARN_HELD_OUT', yesOrNo(false)],
    logLevel: ['LOG_LEVEL', oneOf(logLevels, 'info')]
  })
}

/** How to train. What is 'auto' follows from the data, see settleRecipe. */
export interface Recipe {
  readonly width: number
  readonly rowWidth: number
  readonly blocks: number
  readonly heads: number
  readonly maxLength: number
  readonly gapBuckets: number
  readonly tableBytes: number | 'auto'
  readonly chunks: Readonly<Record<string, number>>
  readonly epochs: number | 'auto'
  readonly clicksPerBatch: number
  readonly learningRate: number | 'auto'
  readonly dropout: number | 'auto'
  readonly keyDropout: number | 'auto'
  readonly categoryLossWeight: number | 'learned'
  readonly pooling: Pooling
  readonly fullSoftmaxItems: number
  readonly negatives: number
  readonly optimizer: AdamWConfig
  readonly scheme: Scheme
  /** What is absent follows from the catalogue's size: cluster size, branching and the like. */
  readonly idSettings?: SchemeSettings
  readonly newItemLoss: number
  readonly rehearsedItems: number
  readonly decoderSessions: number
  readonly decoderEpochs: number
  readonly decoderLearningRate: number
}

/** A recipe with nothing left open: what is saved in the release. */
export type SettledRecipe = { readonly [K in keyof Recipe]: Exclude<Recipe[K], 'auto'> }

export const recipe: Recipe = {
  width: 64,
  rowWidth: 32, // the item key is looked up twice: the 2-probe rule
  blocks: 2,
  heads: 2,
  maxLength: 20, // clicks; 99 % of the sessions of a shop are shorter
  gapBuckets: 24, // doublings of seconds: the last is seven weeks and more
  tableBytes: 'auto', // of the unified embedding, if all of its rows were reached
  chunks: {}, // look-ups for each value, by the name of the feature; the rest follows from the catalogue
  epochs: 'auto',
  clicksPerBatch: 2048,
  learningRate: 'auto',
  dropout: 'auto',
  keyDropout: 'auto', // share of items whose own key is hidden at a step
  categoryLossWeight: 0, // of each category level's loss: heads cost quality, see README.md
  pooling: 'last',
  fullSoftmaxItems: 50_000, // above, targets compete with a sample
  negatives: 8192, // drawn for each step
  optimizer: { beta1: 0.9, beta2: 0.98, weightDecay: 0.01, clipNorm: 5 },
  scheme: 'residual-kmeans', // how items get their IDs
  newItemLoss: 0.025, // share of known items' Recall@10 that new items may cost
  rehearsedItems: 0, // see rehearsal.ts
  decoderSessions: 6000, // it has 3 D^2 weights: more sessions teach it nothing new
  decoderEpochs: 2,
  decoderLearningRate: 0.002
}

/** Clicks learned from, over all epochs: a log of half a million sees each of them six times. */
const enoughExamples = 3_500_000

/**
 * Settles what follows from how much is known of an item. With a dozen clicks for each item, as in
 * review data, a model overfits unless dropout is high and then needs many epochs; with hundreds, as
 * in a small shop, little dropout, few epochs and larger steps do. Between the two values that were
 * chosen on validation (Amazon Beauty, 9 clicks an item: .4, 20 epochs, rate .002; e-shop, 530
 * clicks: .1, 6 epochs, rate .004; 2026-11) it goes along one curve. Where a long log leaves time for
 * fewer epochs, there is as much less dropout: with .38 three epochs of Diginetica (650,000 clicks, 15 an
 * item) came to a Recall@10 of .307 on validation, with .15 to .337.
 */
export function settleRecipe(
  open: Recipe,
  data: Pick<TrainingSet, 'targets' | 'toldApart'> & { readonly items: number }
): SettledRecipe {
  const scarcity = 1 / (1 + data.targets / data.items / 150) // near 1 when little is known of an item
  const enough = Math.min(21 * scarcity, enoughExamples / data.targets)
  const epochs = open.epochs === 'auto' ? Math.max(6, Math.round(enough)) : open.epochs
  const afforded = Math.min(1, epochs / (21 * scarcity)) // of the epochs that much dropout needs
  return {
    ...open,
    tableBytes: tableBytesOf(open, data.items),
    epochs,
    dropout: open.dropout === 'auto' ? 0.42 * scarcity * afforded : open.dropout,
    keyDropout: open.keyDropout === 'auto' ? keyDropoutFor(data) : open.keyDropout,
    learningRate: open.learningRate === 'auto' ? 0.002 * (20 / epochs) ** 0.6 : open.learningRate
  }
}

/** Four rows for each look-up of a key: one in eight shares its row then (Diginetica: one in two cost 2 %). */
const rowsPerLookUp = 4
const [leastBytes, mostBytes] = [1 << 24, 1 << 28]

/** As many bytes as the keys of the items need, between 16 and 256 MB; only rows that are reached are kept. */
export function tableBytesOf(
  { tableBytes, width }: Pick<Recipe, 'tableBytes' | 'width'>,
  items: number
): number {
  if (tableBytes !== 'auto') return tableBytes
  const bytes = rowsPerLookUp * items * width * Float32Array.BYTES_PER_ELEMENT
  return Math.min(mostBytes, Math.max(leastBytes, 2 ** Math.ceil(Math.log2(Math.max(1, bytes)))))
}

/** From this share of items with a description of their own on, one may stand in for the key. */
const enoughToldApart = 0.9

/**
 * An item without its key is what its metadata say. Where these say the same of many items, as a lone opaque
 * category does, hiding a key asks for what cannot be known: one item among dozens.
 */
function keyDropoutFor({ toldApart }: Pick<TrainingSet, 'toldApart'>): number {
  return 0.3 * Math.min(1, toldApart / enoughToldApart)
}
