// Trains every part of a model on a training set: the encoder, then item IDs over its item vectors,
// then the decoder that writes them, then the blend of the final ranking.
import * as tf from '@tensorflow/tfjs-core'
import { nodeMoments } from '#shared/inference/node-moments.ts'
import { createSessionEncoder } from '#shared/inference/session-encoder.ts'
import { createTokenDecoder } from '#shared/inference/token-decoder.ts'
import { type AssignedIds, assignItemIds } from '#shared/itemids/assign-item-ids.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { explainPrefixes } from '#shared/itemids/explain-item.ts'
import type { FitProgress } from '#shared/itemids/scheme.ts'
import { embedBags } from '#shared/model/unified-embedding.ts'
import type { Blend } from '#shared/recommendations/blend.ts'
import { fitCoVisitation } from '#shared/recommendations/co-visitation.ts'
import {
  type Descriptions,
  describeItems,
  fitContentSimilarity
} from '#shared/recommendations/content-similarity.ts'
import type { ItemCategories } from '#shared/recommendations/diversify.ts'
import type { Neighbours } from '#shared/recommendations/neighbours.ts'
import type { RankingModel } from '#shared/recommendations/rank.ts'
import {
  byFallingClicks,
  decoderWeights,
  type TrainedModel,
  withoutClicks
} from '#shared/recommendations/trained-model.ts'
import type { Logger } from '#shared/runtime/logging.ts'
import { createRandom } from '#shared/runtime/random.ts'
import type { SettledRecipe } from './config.ts'
import { questionsOf } from './dense-quality.ts'
import { fitBlend } from './fit-blend.ts'
import { rehearsalQuestions } from './rehearsal.ts'
import { trainDecoder } from './train-decoder.ts'
import { type Encoder, type Reporter, type TrainedEncoder, trainEncoder } from './train-encoder.ts'
import { sampleOf, type TrainingSet, validationSample } from './training-set.ts'

export interface ModelTask {
  readonly recipe: SettledRecipe
  readonly seed: number
  readonly report: Reporter
  readonly log: Logger
  /** See EncoderTask. */
  readonly keep?: (best: TrainedEncoder) => void
}

/** The same set, recipe and seed give the same model. */
export async function trainModel(set: TrainingSet, task: ModelTask): Promise<TrainedModel> {
  const random = createRandom(task.seed)
  const encoder = await trainEncoder(set, { ...task, random })
  const { epoch, validation } = encoder
  task.log.info({ epoch, ...validation }, 'encoder trained')
  return finishModel(set, encoder, { ...task, assigned: assignIds(set, encoder, task) })
}

/** Item IDs by the scheme of the recipe. */
export function assignIds(
  set: TrainingSet,
  encoder: Encoder,
  { recipe, seed, report }: Pick<ModelTask, 'recipe' | 'seed' | 'report'>
): AssignedIds {
  const shown = shownBy(report)
  try {
    return assignItemIds(recipe.scheme, {
      items: set.items,
      sessions: set.training.map(({ items }) => items),
      width: encoder.config.width,
      vectors: encoder.vectors,
      metadataVectors: metadataVectorsOf(set, encoder),
      random: createRandom(seed),
      ...(recipe.idSettings && { settings: recipe.idSettings }),
      onProgress: shown.onProgress
    })
  } finally {
    shown.finish()
  }
}

/** Each act of the fit one after another. */
function shownBy(report: Reporter) {
  let act: string | undefined
  const finish = () => {
    if (act !== undefined) report.finish()
    act = undefined
  }
  const onProgress: FitProgress = (now, done, total) => {
    if (act !== now) {
      finish()
      report.start(`item IDs, ${now}`, total)
      act = now
    }
    report.update(done, {})
  }
  return { onProgress, finish }
}

export interface FinishTask extends ModelTask {
  readonly assigned: AssignedIds
  /** Fitted on validation when absent. */
  readonly blend?: Blend
}

/** The decoder that writes these IDs, and the ranking: all that comes after the encoder. */
export async function finishModel(
  set: TrainingSet,
  trained: Encoder,
  task: FinishTask
): Promise<TrainedModel> {
  const { recipe, report } = task
  const { itemIds, placing } = task.assigned
  const { config, vectors, ...encoder } = trained
  const random = createRandom(task.seed)
  const trie = buildTrie(itemIds)
  const moments = nodeMoments(trie, vectors, config.width)
  const sessionEncoder = createSessionEncoder(config, encoder.weights, vectors)
  const validation = questionsOf(sessionEncoder, validationSample(set), set.asked)
  const sessions = questionsOf(
    sessionEncoder,
    sampleOf(set.training, recipe.decoderSessions),
    'every-click'
  )
  const metadataVectors = metadataVectorsOf(set, trained)
  const rehearsed = rehearsalQuestions(metadataVectors, sessions, recipe.rehearsedItems)
  const decoder = await trainDecoder({
    trie,
    moments,
    training: [...sessions, ...rehearsed],
    validation,
    recipe,
    random,
    report
  })
  tf.dispose([sessionEncoder.weights, sessionEncoder.itemVectors] as tf.TensorContainer)
  const newItems = withoutClicks(set.clicks)
  const descriptions = describeItems(set.items, set.reading.features)
  const unblended: Omit<RankingModel, 'blend'> = {
    decoder: createTokenDecoder(trie, moments, decoderWeights(decoder.weights)),
    vectors,
    coVisitation: fitCoVisitation(
      set.training.map(({ items }) => items),
      set.itemKeys.length,
      'distinct'
    ),
    similarity: similarityOf(set, descriptions, report),
    byPopularity: byFallingClicks(set.clicks),
    newItems
  }
  const blend =
    task.blend ??
    fitBlend(unblended, {
      questions: validation,
      repeats: set.repeats,
      newItemLoss: recipe.newItemLoss,
      metadataVectors
    })
  const fitted = task.blend ? 'ranking as it was fitted' : 'ranking fitted on validation'
  task.log.info({ ...blend, repeats: set.repeats }, fitted)
  return {
    itemKeys: set.itemKeys,
    reading: set.reading,
    reachedRows: set.reachedRows,
    config,
    weights: { ...encoder.weights, ...decoder.weights },
    vectors,
    itemIds,
    placing,
    coVisitation: unblended.coVisitation,
    similarity: unblended.similarity,
    descriptions,
    clicks: set.clicks,
    blend,
    repeats: set.repeats,
    categories: categoriesOf(set),
    idWords: explainPrefixes({ ...set, trie, scheme: itemIds.scheme, reading: placing.reading })
  }
}

function categoriesOf({ categories, items }: TrainingSet): ItemCategories | undefined {
  const levels = categories.length
  if (levels === 0) return undefined
  const classes = new Int32Array(items.length * levels)
  for (let at = 0; at < classes.length; at++) {
    classes[at] = categories[at % levels]!.classes[Math.floor(at / levels)]!
  }
  return { levels, classes }
}

function similarityOf(set: TrainingSet, described: Descriptions, report: Reporter): Neighbours {
  report.start('similar items', set.items.length)
  const isNew = (item: number) => set.clicks[item] === 0
  const similarity = fitContentSimilarity(described, isNew, done => report.update(done, {}))
  report.finish()
  return similarity
}

/** [items, D] without the items' own keys, as the vector of a new item is: they are added last. */
function metadataVectorsOf(set: TrainingSet, { config, weights, vectors }: Encoder): Float32Array {
  const keys = embedBags(weights.table!.values as Float32Array, config.rowWidth, set.key)
  const hasKey = (at: number) => set.clicks[Math.floor(at / config.width)]! > 0
  return vectors.map((value, at) => (hasKey(at) ? value - keys[at]! : value))
}
