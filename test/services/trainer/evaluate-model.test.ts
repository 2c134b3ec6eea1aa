import { beforeAll, expect, test } from 'vitest'
import { evaluateModel } from '#services/trainer/evaluate-model.ts'
import type { SplitInputs } from '#services/trainer/training-set.ts'
import { MetricsSum } from '#shared/evaluation/metrics.ts'
import { answerQuery } from '#shared/recommendations/answer-query.ts'
import { type LoadedModel, loadModel } from '#shared/recommendations/load-model.ts'
import type { SessionInput } from '#shared/recommendations/session-input.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { type Click, clickTypes } from '#shared/sessions/session.ts'
import { smallModel } from '#test/support/small-release.ts'
import { useBackend } from '#test/support/tensorflow.ts'
import { silentReport } from './train-small-shop.ts'

const itemCount = 60
const itemKeys = Array.from({ length: itemCount }, (_, i) => `item ${i}`)
let repeating: LoadedModel
let neverRepeating: LoadedModel

beforeAll(async () => {
  await useBackend('cpu')
  repeating = loadModel(smallModel(itemKeys))
  neverRepeating = loadModel({ ...smallModel(itemKeys), repeats: false })
})

test('the service is measured by the very answers that it gives, over every prefix', () => {
  // So few items that targets stand at every place of the list.
  const trained = smallModel(itemKeys.slice(0, 22))
  for (const repeats of [true, false]) {
    const model = loadModel({ ...trained, repeats })
    const test = [4, 7, 2, 13, 1, 12].map(randomSession)
    const sum = new MetricsSum(22)
    for (const { items, types } of test) {
      for (let n = 1; n < items.length; n++) {
        const clicks = Array.from(items.subarray(0, n), (item, i): Click => {
          return { itemKey: itemKeys[item]!, type: clickTypes[types[i]!]!, at: 0 }
        })
        const answer = answerQuery(model, { clicks, count: 20, exclude: [], repeat: repeats })
        sum.add(
          answer.map(({ itemKey }) => itemKeys.indexOf(itemKey)),
          items[n]!
        )
      }
    }

    const rows = evaluateModel(model, { ...anySessions(), test }, silentReport)

    expect(rows.at(-1)).toEqual({ method: 'nextrie', ...sum.average() })
    expect(rows.at(-1)!.targets).toBe(3 + 6 + 1 + 12 + 11)
  }
})

test('popularity shows what was clicked most in training and validation', () => {
  const favourites = Array.from({ length: 20 }, (_, i) => 20 + i)
  const sessions = {
    training: [sessionOn([...favourites, ...favourites])],
    validation: [sessionOn([7, 7, 7])],
    test: [sessionOn([1, 7, 20, 28, 29, 40])]
  }

  const [popularity] = evaluateModel(repeating, sessions, silentReport)

  // Item 7 first, then 20 to 38 in their order: 29 is place 11, and 40 is not listed.
  expect(popularity).toEqual({
    method: 'popularity',
    targets: 5,
    recallAt10: 3 / 5,
    ndcgAt10: (1 + 1 / Math.log2(3) + 1 / Math.log2(11)) / 5,
    recallAt20: 4 / 5,
    mrrAt20: expect.closeTo((1 + 1 / 2 + 1 / 10 + 1 / 11) / 5, 12),
    coverageAt10: 10 / itemCount
  })
})

test('co-visitation knows pairs of training and validation, and what is seen does not come back', () => {
  const sessions = {
    training: [sessionOn([1, 2]), sessionOn([1, 1, 1])],
    validation: [sessionOn([2, 3])],
    test: [sessionOn([1, 2, 3]), sessionOn([1, 1])]
  }

  const coVisitation = (model: LoadedModel) =>
    evaluateModel(model, sessions, silentReport).find(({ method }) => method === 'co-visitation')

  // After 1 comes 2, after 2 comes 3; whether 1 may come back is the release's choice.
  expect(coVisitation(neverRepeating)).toMatchObject({ targets: 3, recallAt10: 2 / 3 })
  expect(coVisitation(repeating)).toMatchObject({ targets: 3, recallAt10: 3 / 3 })
})

test('without repeats no method lists a clicked item', () => {
  const sessions = { ...anySessions(), test: [sessionOn([5, 5, 5, 5])] }

  for (const row of evaluateModel(neverRepeating, sessions, silentReport)) {
    expect(row).toMatchObject({ targets: 3, recallAt20: 0 })
  }
})

test('progress tells how many questions there are and how many are answered', () => {
  const said: unknown[] = []
  const report = {
    start: (title: string, total: number) => said.push([title, total]),
    update: (done: number) => said.push(done),
    finish: () => said.push('finished')
  }

  evaluateModel(repeating, { ...anySessions(), test: [sessionOn([1, 2, 3])] }, report)

  expect(said).toEqual([['evaluating', 2], 1, 2, 'finished'])
})

function anySessions(): Omit<SplitInputs, 'test'> {
  return { training: [sessionOn([1, 2, 3])], validation: [sessionOn([2, 3])] }
}

/** Clicks of random types on the first items, all at one time. */
function randomSession(length: number): SessionInput {
  const random = createRandom(length)
  return {
    ...sessionOn(Array.from({ length }, () => random.integer(22))),
    types: Int32Array.from({ length }, () => random.integer(clickTypes.length))
  }
}

function sessionOn(items: readonly number[]): SessionInput {
  return {
    items: Int32Array.from(items),
    types: Int32Array.from(items, () => 1),
    gaps: Int32Array.from(items, (_, n) => (n === 0 ? 0 : 1)) // no time between two clicks
  }
}
