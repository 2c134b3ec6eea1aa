import { beforeAll, expect, test } from 'vitest'
import { answerQuery, type RecommendationQuery } from '#shared/recommendations/answer-query.ts'
import { encodePrefixes } from '#shared/recommendations/encode-prefixes.ts'
import { type LoadedModel, loadModel } from '#shared/recommendations/load-model.ts'
import { rank } from '#shared/recommendations/rank.ts'
import { sessionInput } from '#shared/recommendations/session-input.ts'
import { byFallingClicks } from '#shared/recommendations/trained-model.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { type Click, clickTypes } from '#shared/sessions/session.ts'
import { smallModel } from '#test/support/small-release.ts'
import { useBackend } from '#test/support/tensorflow.ts'

const itemKeys = Array.from({ length: 60 }, (_, i) => `item ${i}`)
let model: LoadedModel
let noRepeats: LoadedModel

beforeAll(async () => {
  await useBackend('cpu')
  model = loadModel(smallModel(itemKeys))
  noRepeats = loadModel({ ...smallModel(itemKeys), repeats: false })
})

test('a prefix of a session is answered with the very scores that evaluation gives it', () => {
  const { encoder, itemIndex, ranking } = model
  const sessions = [2, 4, 9, 14].map(randomSession)
  const inputs = sessions.map(clicks => sessionInput(clicks, itemIndex, encoder.config.gapBuckets))
  const states = encodePrefixes(encoder, inputs)

  sessions.forEach((clicks, s) => {
    states[s]!.forEach((state, n) => {
      const clicked = inputs[s]!.items.subarray(0, n + 1)
      const evaluated = rank(ranking, { state, clicked, excluded: [], count: 20 })

      const served = answerQuery(
        model,
        query({ clicks: upToKnown(clicks, n + 1), count: 20, repeat: true })
      )

      expect(served.map(({ itemKey }) => itemKey)).toEqual(
        evaluated.map(({ item }) => itemKeys[item])
      )
      served.forEach(({ score }, i) => {
        expect(score).toBeCloseTo(evaluated[i]!.score, 6)
      })
    })
  })
})

test('excluded items are not recommended, and an unknown key excludes nothing', () => {
  const clicks = [click('item 3'), click('item 8')]
  const [best] = answerQuery(model, query({ clicks }))

  const answer = answerQuery(model, query({ clicks, exclude: [best!.itemKey, 'never there'] }))

  expect(answer).toEqual(answerQuery(model, query({ clicks, exclude: [best!.itemKey] })))
  expect(answer).toHaveLength(10)
  expect(answer.map(({ itemKey }) => itemKey)).not.toContain(best!.itemKey)
})

test('clicked items come back only where the caller says so, whatever the release was trained on', () => {
  const clicks = itemKeys.slice(0, 20).map(click)
  const everything = itemKeys.length
  const count = (loaded: LoadedModel, repeat?: boolean) =>
    answerQuery(loaded, query({ clicks, count: everything, repeat })).length

  expect(count(model)).toBe(40)
  expect(count(noRepeats)).toBe(40)
  expect(count(model, false)).toBe(40)
  expect(count(model, true)).toBe(60)
  expect(count(noRepeats, true)).toBe(60)
})

test('a new visitor, and one whose items nobody knows, gets what is popular', () => {
  const popular = byFallingClicks(model.trained.clicks).slice(0, 3)
  const expected = Array.from(popular, (item, place) => ({
    itemKey: itemKeys[item],
    score: 1 / (1 + place),
    source: 'popular'
  }))

  expect(answerQuery(model, query({ count: 3 }))).toEqual(expected)
  expect(answerQuery(model, query({ clicks: [click('gone')], count: 3 }))).toEqual(expected)
})

test('a click on an unknown item changes nothing', () => {
  const known = [click('item 3'), click('item 8')]

  const answer = answerQuery(model, query({ clicks: [...known, click('gone')] }))

  expect(answer).toEqual(answerQuery(model, query({ clicks: known })))
})

test('the order, the type and the time of clicks are read', () => {
  const clicks = [click('item 3'), click('item 8')]
  const score = (asked: readonly Click[]) => answerQuery(model, query({ clicks: asked }))[0]!.score

  const plain = score(clicks)

  expect(score(clicks.toReversed())).not.toBe(plain)
  expect(score([clicks[0]!, { ...clicks[1]!, type: 'purchase' }])).not.toBe(plain)
  expect(score([clicks[0]!, { ...clicks[1]!, at: 600_000 }])).not.toBe(plain)
})

function query(facts: Partial<RecommendationQuery>): RecommendationQuery {
  return { clicks: [], count: 10, exclude: [], ...facts }
}

function click(itemKey: string): Click {
  return { itemKey, type: 'click', at: 0 }
}

/** Clicks on known and unknown items, of every type, at random times. */
function randomSession(length: number): Click[] {
  const random = createRandom(length)
  let at = Date.UTC(2026, 2, 1)
  return Array.from({ length }, () => {
    at += random.integer(900_000)
    const type = clickTypes[random.integer(clickTypes.length)]!
    return { itemKey: `item ${random.integer(70)}`, type, at }
  })
}

/** Clicks up to the nth on a known item. */
function upToKnown(clicks: readonly Click[], n: number): Click[] {
  const isKnown = clicks.map(({ itemKey }) => model.itemIndex.has(itemKey))
  const end = isKnown.findIndex((_, i) => isKnown.slice(0, i + 1).filter(Boolean).length === n)
  return clicks.slice(0, end + 1)
}
