// The cold half of the comparison: items whose clicks nothing was trained on, placed by their metadata.
import { questionsOf } from '#services/trainer/dense-quality.ts'
import { assignIds, finishModel, type ModelTask } from '#services/trainer/train-model.ts'
import { ItemFilter } from '#shared/itemids/item-filter.ts'
import { loadModel } from '#shared/recommendations/load-model.ts'
import { createRandom } from '#shared/runtime/random.ts'
import type { Session } from '#shared/sessions/session.ts'
import type { SplitDataset } from '../quality/read-dataset.ts'
import type { EncodedSet } from './measure-scheme.ts'
import { generate, hiddenIn, placesOf } from './search-quality.ts'

/** A set without the clicks on some of its items, and the encoder that was trained on it. */
export interface ColdSet extends EncodedSet {
  readonly coldItems: ReadonlySet<number>
}

export interface ColdQuality {
  readonly items: number
  readonly targets: number
  /** Of the generator alone over the whole catalogue. */
  readonly recallAt10: number
  /** Share of targets that come first when cold items alone may be shown. */
  readonly firstOfCold: number
}

/** Keys of some of the items that training sessions click, the same for the same seed. */
export function drawColdItems(
  training: readonly Session[],
  share: number,
  seed: number
): ReadonlySet<string> {
  const clicked = [...new Set(training.flatMap(({ clicks }) => clicks.map(c => c.itemKey)))].sort()
  const drawn = createRandom(1000 + seed).shuffle(clicked)
  return new Set(drawn.slice(0, Math.ceil(clicked.length * share)))
}

/** Takes them out of training and validation; test clicks on them are what is asked for. */
export function withoutClicksOn(keys: ReadonlySet<string>, dataset: SplitDataset): SplitDataset {
  const without = (sessions: readonly Session[]) =>
    sessions
      .map(session => ({
        ...session,
        clicks: session.clicks.filter(({ itemKey }) => !keys.has(itemKey))
      }))
      .filter(({ clicks }) => clicks.length > 0)
  return {
    ...dataset,
    training: without(dataset.training),
    validation: without(dataset.validation)
  }
}

/** How often the generator finds the cold items that the test asks for. */
export async function coldQuality(cold: ColdSet, task: ModelTask): Promise<ColdQuality> {
  const { set, encoder, coldItems } = cold
  const own = { ...task, recipe: { ...cold.recipe, scheme: task.recipe.scheme } }
  const assigned = assignIds(set, encoder, own)
  const { ranking, ...model } = loadModel(await finishModel(set, encoder, { ...own, assigned }))
  const questions = questionsOf(model.encoder, set.test, set.asked).filter(({ target }) =>
    coldItems.has(target)
  )
  const hidden = hiddenIn(set)
  const share = (most: number, filter?: ItemFilter) => {
    const places = placesOf(questions, question =>
      generate(ranking, question, { hidden: hidden(question), filter })
    )
    return places.filter(place => place <= most).length / Math.max(1, questions.length)
  }
  return {
    items: coldItems.size,
    targets: questions.length,
    recallAt10: share(10),
    firstOfCold: share(1, new ItemFilter(item => coldItems.has(item)))
  }
}
