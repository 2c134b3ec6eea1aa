import { beforeAll, expect, test } from 'vitest'
import { learnHeldOut, withHeldOut } from '#services/trainer/learn-held-out.ts'
import { trainToTheEnd } from '#services/trainer/train-encoder.ts'
import { trainModel } from '#services/trainer/train-model.ts'
import type { TrainingSet } from '#services/trainer/training-set.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { useBackend } from '#test/support/tensorflow.ts'
import {
  listeningReporter,
  tinyRecipe,
  tinySession,
  tinyTrainingSet
} from '#test/support/tiny-training.ts'

beforeAll(() => useBackend('cpu'))

const seed = 1
const task = {
  recipe: tinyRecipe,
  seed,
  report: listeningReporter(),
  log: createLogger({ name: 'test', level: 'silent' })
}

test('learnHeldOut trains anew on the sessions of all parts, not on from what was chosen', async () => {
  const set = makeSet()
  const chosen = await trainModel(set, task)

  const learned = await learnHeldOut(set, chosen, task)

  const random = createRandom(seed)
  const fresh = await trainToTheEnd(withHeldOut(set), { ...task, random })
  expect(learned.weights).toMatchObject(fresh.weights)
  expect(learned.vectors).toEqual(fresh.vectors)
  expect(learned.vectors).not.toEqual(chosen.vectors)
  expect(learned.blend).toEqual(chosen.blend)
})

test('withHeldOut learns from all parts, the oldest first, and counts their clicks', () => {
  const set = makeSet()

  const all = withHeldOut(set)

  expect(all.training).toEqual([...set.training, ...set.validation, ...set.test])
  expect(Array.from(all.clicks)).toEqual([2, 2, 2, 2, 2, 2, 0, 0, 0])
  expect(all.targets).toBe(8)
})

/** Items 4 and 5 come last. */
function makeSet(): TrainingSet {
  return {
    ...tinyTrainingSet(
      [
        [0, 1, 2, 3],
        [3, 2]
      ],
      9
    ),
    validation: [tinySession([1, 4, 5])],
    test: [tinySession([0, 4, 5])]
  }
}
