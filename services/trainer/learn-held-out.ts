// What was held out is the newest that is known: items that came in those days, and what goes together
// now. Once everything is chosen on validation and measured on the test part, a release may learn from both
// parts too: one more pass of the encoder over all sessions, then IDs, decoder and tables anew. The blend
// stays as it was chosen, since nothing is left to choose it on; nor can the result be measured before new
// sessions come.
import type { NamedArrays } from '#shared/model/safetensors.ts'
import type { TrainedModel } from '#shared/recommendations/trained-model.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { trainFurther } from './train-encoder.ts'
import { assignIds, finishModel, type ModelTask } from './train-model.ts'
import { countClicks, countTargets, type TrainingSet } from './training-set.ts'

/** @param chosen trained on the training part of the set. */
export async function learnHeldOut(
  set: TrainingSet,
  chosen: TrainedModel,
  task: ModelTask
): Promise<TrainedModel> {
  const all = withHeldOut(set)
  const random = createRandom(task.seed)
  const encoder = await trainFurther(all, { weights: encoderWeights(chosen) }, { ...task, random })
  const assigned = assignIds(all, encoder, task)
  return finishModel(all, encoder, { ...task, assigned, blend: chosen.blend })
}

function encoderWeights({ weights }: TrainedModel): NamedArrays {
  const names = Object.keys(weights).filter(name => !name.startsWith('decoder.'))
  return Object.fromEntries(names.map(name => [name, weights[name]!]))
}

/** The set with the sessions of all parts as its training part, the oldest part first. */
export function withHeldOut(set: TrainingSet): TrainingSet {
  const training = [...set.training, ...set.validation, ...set.test]
  return {
    ...set,
    training,
    clicks: countClicks(training, set.itemKeys.length),
    targets: countTargets(training)
  }
}
