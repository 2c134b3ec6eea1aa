import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openSessionGraph } from '#shared/inference/session-states.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { explainPrefixes } from '#shared/itemids/explain-item.ts'
import { codesOf } from '#shared/itemids/trie.ts'
import {
  answerQueries,
  answerQuery,
  type RecommendationQuery,
  type ServedAnswering
} from '#shared/recommendations/answer-query.ts'
import { explainedClicks } from '#shared/recommendations/explain.ts'
import { openIdWords, shareIdWords } from '#shared/recommendations/id-words.ts'
import { type LoadedModel, loadModel } from '#shared/recommendations/load-model.ts'
import { modelFiles, sessionGraphFile } from '#shared/recommendations/model-files.ts'
import { listNeighbours } from '#shared/recommendations/neighbours.ts'
import type { Click } from '#shared/sessions/session.ts'
import { smallModel } from '#test/support/small-release.ts'
import { useBackend } from '#test/support/tensorflow.ts'

const itemKeys = Array.from({ length: 60 }, (_, i) => `item ${i}`)
let model: LoadedModel
let served: ServedAnswering

beforeAll(async () => {
  await useBackend('cpu')
  const trained = smallModel(itemKeys)
  model = loadModel({ ...trained, clicks: trained.clicks.map((n, i) => (i < 5 ? 0 : n + 1)) })
  const graph = modelFiles(trained)[sessionGraphFile]!
  const words = explainPrefixes({
    items: itemKeys.map((key, i) => ({
      key,
      attributes: { colour: i % 2 ? 'red' : 'blue' },
      isVisible: true
    })),
    trie: buildTrie(trained.itemIds),
    clicks: trained.clicks,
    scheme: trained.itemIds.scheme,
    reading: { from: 'vector' }
  })
  served = {
    ...model,
    sessions: await openSessionGraph(trained.config, graph, { vectors: trained.vectors }),
    idWords: openIdWords(shareIdWords(words))
  }
})
afterAll(() => served.sessions.close())

const clickOn = (item: number): Click => ({ itemKey: itemKeys[item]!, type: 'click', at: 0 })

async function explain(clicks: readonly Click[], facts: Partial<RecommendationQuery> = {}) {
  const query = { clicks, count: 20, exclude: [], explain: true, ...facts }
  const [answer] = await answerQueries(served, [query])
  return answer!.map(({ explanation, ...rest }) => ({ ...rest, explanation: explanation! }))
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)

test('an answer is the same with an explanation and without', async () => {
  const clicks = [3, 8, 21].map(clickOn)
  const [plain] = await answerQueries(served, [{ clicks, count: 20, exclude: [] }])

  const explained = await explain(clicks)

  expect(plain!.every(item => !('explanation' in item))).toBe(true)
  expect(explained.map(({ explanation: _, ...item }) => item)).toEqual(plain)
})

test('the parts of a score sum to it', async () => {
  for (const facts of [{}, { diversity: 0.5 }, { shown: ['item 4', 'item 9'] }]) {
    served = {
      ...served,
      categories: { levels: 1, classes: Int32Array.from(itemKeys, (_, i) => i % 3) }
    }
    const explained = await explain([3, 8, 21].map(clickOn), facts)

    expect(explained).toHaveLength(20)
    for (const { score, explanation } of explained) {
      expect(sum(explanation.parts.map(({ weight, share }) => weight * share))).toBeCloseTo(
        score,
        10
      )
    }
  }
})

test('an item without clicks says the margin that was added to its logit', async () => {
  const explained = await explain([clickOn(30)], { count: 60 })

  for (const { source, explanation } of explained) {
    expect(explanation.margin).toBe(source === 'new' ? 0.5 : undefined)
  }
  expect(explained.some(({ source }) => source === 'new')).toBe(true)
})

describe('while the catalogue changes', () => {
  test('an item that drops out is explained as it was ranked', async () => {
    const fresh = [0, 1, 2, 3, 4]
    let looks = 0
    const newItems = {
      size: fresh.length,
      has: (item: number) => item < 5,
      [Symbol.iterator]: () => (looks++ === 0 ? fresh : []).values() // gone once they were ranked
    }
    const none = listNeighbours(itemKeys.map(() => []))
    const changing: ServedAnswering = {
      ...served,
      ranking: {
        ...served.ranking,
        newItems,
        coVisitation: none,
        similarity: none,
        blend: { ...served.ranking.blend, newItemMargin: 50 },
        generation: { search: 'beam', width: 1 }
      }
    }
    const query = { clicks: [clickOn(30)], count: 4, exclude: [], explain: true }

    const [answer] = await answerQueries(changing, [query])

    expect(answer).toHaveLength(4)
    for (const { source, score, explanation } of answer!) {
      expect(source).toBe('new')
      expect(sum(explanation!.parts.map(({ weight, share }) => weight * share))).toBeCloseTo(score)
    }
  })

  test('a click whose item is forgotten meanwhile is explained as it was read', async () => {
    const itemIndex = new Map(itemKeys.map((key, item) => [key, item]))
    let sessionsRead = 0
    const sessions: ServedAnswering['sessions'] = {
      ...served.sessions,
      encode: inputs => {
        if (++sessionsRead === 2) itemIndex.delete('item 8')
        return served.sessions.encode(inputs)
      }
    }
    const query = { clicks: [3, 8, 21].map(clickOn), count: 20, exclude: [], explain: true }

    const answer = await answerQueries({ ...served, itemIndex, sessions }, [query])

    expect(itemIndex.has('item 8')).toBe(false)
    expect(answer).toEqual(await answerQueries(served, [query]))
  })
})

describe('of clicks', () => {
  test('what co-visitation, similarity and coming back add sums to their parts', async () => {
    const explained = await explain([3, 8, 21, 8].map(clickOn), { repeat: true })

    for (const { explanation } of explained) {
      const [, together, alike, returned] = explanation.parts
      const added = sum(explanation.clicks.map(({ coVisitation }) => coVisitation))
      expect(added).toBeCloseTo(together!.weight * together!.share, 10)
      const similar = sum(explanation.clicks.map(({ similarity }) => similarity))
      expect(similar).toBeCloseTo(alike!.weight * alike!.share, 10)
      const own = sum(explanation.clicks.map(click => click.returned))
      expect(own).toBeCloseTo(returned!.weight * returned!.share, 10)
    }
    for (const part of [1, 2, 3]) {
      expect(explained.some(({ explanation: { parts } }) => parts[part]!.share > 0)).toBe(true)
    }
  })

  test('what the model loses is told by the dense share without the click', async () => {
    const clicks = [3, 8, 21].map(clickOn)
    const everything = { count: 60, exclude: [], repeat: true }
    const parts = async (asked: readonly Click[]) =>
      new Map(
        (await explain(asked, everything)).map(({ itemKey, explanation }) => [
          itemKey,
          explanation.parts[0]!
        ])
      )
    const whole = await parts(clicks)
    const without = await parts([clicks[0]!, clicks[2]!]) // all items are candidates both times

    const explained = await explain(clicks, everything)

    for (const { itemKey, explanation } of explained) {
      const effect = explanation.clicks.find(click => click.itemKey === 'item 8')!
      const { weight, share } = whole.get(itemKey)!
      expect(effect.model).toBeCloseTo(weight * (share - without.get(itemKey)!.share), 6)
      const { model, coVisitation, similarity, returned } = effect
      expect(effect.share).toBeCloseTo(model + coVisitation + similarity + returned, 12)
    }
  })

  test('those that mattered most come first', async () => {
    for (const { explanation } of await explain([3, 8, 21, 40].map(clickOn))) {
      const sizes = explanation.clicks.map(({ share }) => Math.abs(share))
      expect(sizes).toEqual(sizes.toSorted((a, b) => b - a))
      expect(sizes).toHaveLength(4)
    }
  })

  test('only the newest are explained, and unknown ones not at all', async () => {
    const clicks = [
      ...Array.from({ length: 12 }, (_, i) => clickOn(i)),
      { ...clickOn(0), itemKey: 'gone' }
    ]

    const [first] = await explain(clicks)

    const keys = first!.explanation.clicks.map(({ itemKey }) => itemKey)
    expect(keys.toSorted()).toEqual(itemKeys.slice(12 - explainedClicks, 12).toSorted())
  })

  test('a lone click is all of the score', async () => {
    for (const { score, explanation } of await explain([clickOn(8)])) {
      expect(explanation.clicks).toHaveLength(1)
      expect(explanation.clicks[0]!.share).toBeCloseTo(score, 10)
    }
  })
})

describe('the path', () => {
  test('is the ID of the item, and its probabilities are those of the search', async () => {
    const { trie } = model.ranking.decoder
    const explained = await explain([3, 8].map(clickOn), { count: 60, repeat: true })

    const all = explained.map(({ itemKey, explanation: { path } }) => {
      const leaf = trie.leafOf(model.itemIndex.get(itemKey)!)
      expect(path.map(({ code }) => code)).toEqual(codesOf(trie, leaf))
      return path.map(({ probability }) => probability!).reduce((product, p) => product * p, 1)
    })

    expect(all).toHaveLength(60)
    expect(sum(all)).toBeCloseTo(1, 5)
  })

  test('says what its codes stand for, and ends with the item', async () => {
    const [{ itemKey, explanation } = never()] = await explain([3, 8].map(clickOn))
    const { path } = explanation

    expect(path.length).toBeGreaterThan(1)
    expect(path.at(-1)).toMatchObject({ items: 1, examples: [itemKey] })
    for (const step of path.slice(0, -1)) {
      expect(step.examples.length).toBeGreaterThan(0)
      expect(step.words.every(word => /^(red|blue)$/.test(word))).toBe(true)
    }
    expect(path.slice(0, -1).some(({ words }) => words.length > 0)).toBe(true)
  })
})

test('what is popular says so: nothing was generated', async () => {
  const [first] = await explain([])

  expect(first!.explanation).toMatchObject({
    parts: [{ part: 'popularity', weight: 1, share: 1 }],
    clicks: []
  })
  expect(first!.explanation.path.every(step => !('probability' in step))).toBe(true)
})

test('evaluation and samples get no explanation', () => {
  const [first] = answerQuery(model, { clicks: [clickOn(1)], count: 1, exclude: [], explain: true })

  expect(first).not.toHaveProperty('explanation')
})

function never(): never {
  throw new Error('the answer is empty')
}
