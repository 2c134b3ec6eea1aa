import { describe, expect, test } from 'vitest'
import { type BlendTask, fitBlend } from '#services/trainer/fit-blend.ts'
import type { Question } from '#shared/evaluation/evaluate.ts'
import { nodeMoments } from '#shared/inference/node-moments.ts'
import { createTokenDecoder } from '#shared/inference/token-decoder.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import type { CoVisitation } from '#shared/recommendations/co-visitation.ts'
import type { RankingModel } from '#shared/recommendations/rank.ts'

// Four items; the dense head gives them the shares .6, .3, .1 and 0, whatever was clicked.
const shares = [0.6, 0.3, 0.1, 0]
const towardsItem1 = neighbours([[], [], [], [{ item: 1, similarity: 1 }]])

describe('fitBlend', () => {
  test('gives co-visitation no weight where the dense head alone is right', () => {
    const model = modelOf(shares, towardsItem1)

    const blend = fitBlend(model, task([question({ clicked: [3], target: 0 })]))

    expect(blend).toMatchObject({ coVisitationWeight: 0, coVisitationDecay: 0.4 })
  })

  test('gives co-visitation the least weight that puts a target first', () => {
    const model = modelOf(shares, towardsItem1)

    const blend = fitBlend(model, task([question({ clicked: [3], target: 1 })]))

    // .3 (1 - w) + w > .6 (1 - w) from w = .231 on.
    expect(blend.coVisitationWeight).toBe(0.3)
  })

  test('weighs by the many questions, not by one', () => {
    const model = modelOf(shares, towardsItem1)
    const [right, wrong] = [1, 0].map(target => question({ clicked: [3], target }))

    expect(fitBlend(model, task([right!, wrong!, wrong!])).coVisitationWeight).toBe(0)
    expect(fitBlend(model, task([right!, right!, wrong!])).coVisitationWeight).toBe(0.3)
  })

  test('leaves clicked items out where visitors do not come back to them', () => {
    const model = modelOf(shares, neighbours([[{ item: 1, similarity: 1 }], [], [], []]))
    const asked = [question({ clicked: [0], target: 1 })]

    expect(fitBlend(model, task(asked)).coVisitationWeight).toBe(0.3)
    expect(fitBlend(model, { ...task(asked), repeats: false }).coVisitationWeight).toBe(0)
  })

  test('lets clicks fade as slowly as the older click must count', () => {
    const model = modelOf(
      [0.3, 0.31, 0.2, 0.19],
      neighbours([[], [], [{ item: 0, similarity: 1 }], [{ item: 1, similarity: 0.7 }]])
    )

    const blend = fitBlend(model, task([question({ clicked: [2, 3], target: 0 })]))

    // The older click speaks for item 0 with the decay itself, the newer one for item 1 with .7:
    // of .6 and .7 the newer wins, of .8 and .7 the older, from (1 - w) .01 < w (.8 - .7) / 1.5 on.
    expect(blend).toMatchObject({ coVisitationWeight: 0.2, coVisitationDecay: 0.8 })
  })

  test('is the dense head alone when there is nothing to ask', () => {
    const blend = fitBlend(modelOf(shares, towardsItem1), task([]))

    expect(blend).toMatchObject({ coVisitationWeight: 0, coVisitationDecay: 0.4 })
  })
})

describe('the margin of new items', () => {
  // Item 3 is new: e^margin times its share of .01 beats .6 from a margin of 4.1 on, .3 from 3.4 on.
  const model = {
    ...modelOf([0.6, 0.3, 0.1, 0.01], neighbours([[], [], [], []])),
    newItems: new Set([3])
  }
  const many = (target: number, count: number) =>
    Array.from({ length: count }, () => question({ clicked: [2], target }))

  test('is the standard one where too few questions ask for a new item', () => {
    expect(fitBlend(model, task(many(3, 49))).newItemMargin).toBe(0.5)
  })

  test('is none where every list shows the new items anyway', () => {
    expect(fitBlend(model, task([...many(3, 60), ...many(0, 60)])).newItemMargin).toBe(0)
  })

  test('is as large as new items need, while known items lose no more than allowed', () => {
    // Eleven known items, all likelier than the new one: of ten places it takes one of theirs.
    const shares = [...Array.from({ length: 11 }, (_, i) => 0.2 - i / 100), 0.005]
    const crowded = {
      ...modelOf(shares, neighbours(shares.map(() => []))),
      newItems: new Set([11])
    }
    const asked = (last: number) =>
      task([...many(11, 60), ...many(0, 100 - last), ...many(9, last)])

    const [free, dear] = [asked(2), asked(10)].map(one => fitBlend(crowded, one).newItemMargin)

    expect(free).toBeGreaterThan(3) // two questions of a hundred are lost
    expect(dear).toBe(0) // ten would be
  })
})

function task(questions: readonly Question[]): BlendTask {
  return { questions, repeats: true, newItemLoss: 0.025 }
}

function question({ clicked, target }: { clicked: number[]; target: number }): Question {
  return { clicked: Int32Array.from(clicked), state: Float32Array.of(1), target }
}

/** Items of width one whose only number is the logarithm of their share. */
function modelOf(denseShares: number[], coVisitation: CoVisitation): Omit<RankingModel, 'blend'> {
  const vectors = Float32Array.from(denseShares, share => Math.log(share + 1e-9))
  const trie = buildTrie({
    scheme: 'residual-kmeans',
    depth: 1,
    levelSizes: [denseShares.length],
    codes: Int32Array.from(denseShares.keys())
  })
  const zero = new Float32Array(1)
  const weights = { session: zero, node: zero, level: zero, output: zero }
  return {
    decoder: createTokenDecoder(trie, nodeMoments(trie, vectors, 1), weights),
    vectors,
    coVisitation,
    byPopularity: Int32Array.from(denseShares.keys()),
    newItems: new Set()
  }
}

function neighbours(rows: { item: number; similarity: number }[][]): CoVisitation {
  const starts = [0]
  for (const row of rows) starts.push(starts.at(-1)! + row.length)
  return {
    starts: Int32Array.from(starts),
    neighbours: Int32Array.from(rows.flat(), ({ item }) => item),
    similarities: Float32Array.from(rows.flat(), ({ similarity }) => similarity)
  }
}
