// Trains every part of a model on a training set: the encoder, then item IDs over its item vectors,
// then the decoder that writes them, then the blend of the final ranking.
import * as tf from '@tensorflow/tfjs-core'
import { nodeMoments } from '#shared/inference/node-moments.ts'
import { createSessionEncoder } from '#shared/inference/session-encoder.ts'
import { createTokenDecoder } from '#shared/inference/token-decoder.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { assignResidualKmeans } from '#shared/itemids/residual-kmeans.ts'
import { fitCoVisitation } from '#shared/recommendations/co-visitation.ts'
import type { RankingModel } from '#shared/recommendations/rank.ts'
import {
  byFallingClicks,
  decoderWeights,
  type TrainedModel
} from '#shared/recommendations/release-model.ts'
import type { Logger } from '#shared/runtime/logging.ts'
import { createRandom } from '#shared/runtime/random.ts'
import type { SettledRecipe } from './config.ts'
import { questionsOf } from './dense-quality.ts'
import { fitBlend } from './fit-blend.ts'
import { trainDecoder } from './train-decoder.ts'
import { type Reporter, trainEncoder } from './train-encoder.ts'
import { sampleOf, type TrainingSet, validationSample } from './training-set.ts'

export interface ModelTask {
  readonly recipe: SettledRecipe
  readonly seed: number
  readonly report: Reporter
  readonly log: Logger
}

/** The same set, recipe and seed give the same model. */
export async function trainModel(set: TrainingSet, task: ModelTask): Promise<TrainedModel> {
  const { recipe, report } = task
  const random = createRandom(task.seed)
  const { config, vectors, ...encoder } = await trainEncoder(set, recipe, random, report)
  const { itemIds, codebook } = assignResidualKmeans(vectors, config.width, random)
  const trie = buildTrie(itemIds)
  const moments = nodeMoments(trie, vectors, config.width)
  const sessionEncoder = createSessionEncoder(config, encoder.weights, vectors)
  const validation = questionsOf(sessionEncoder, validationSample(set), set.asked)
  const decoder = await trainDecoder({
    trie,
    moments,
    training: questionsOf(
      sessionEncoder,
      sampleOf(set.training, recipe.decoderSessions),
      'every-click'
    ),
    validation,
    recipe,
    random,
    report
  })
  tf.dispose([sessionEncoder.weights, sessionEncoder.itemVectors] as tf.TensorContainer)
  const unblended: Omit<RankingModel, 'blend'> = {
    decoder: createTokenDecoder(trie, moments, decoderWeights(decoder.weights)),
    vectors,
    coVisitation: fitCoVisitation(
      set.training.map(({ items }) => items),
      set.itemKeys.length,
      'distinct'
    ),
    byPopularity: byFallingClicks(set.clicks)
  }
  const blend = fitBlend(unblended, validation, set.repeats)
  task.log.info(
    { ...blend, repeats: set.repeats, epoch: encoder.epoch },
    'ranking fitted on validation'
  )
  return {
    itemKeys: set.itemKeys,
    reading: set.reading,
    reachedRows: set.reachedRows,
    config,
    weights: { ...encoder.weights, ...decoder.weights },
    vectors,
    itemIds,
    codebook,
    coVisitation: unblended.coVisitation,
    clicks: set.clicks,
    blend,
    repeats: set.repeats
  }
}
