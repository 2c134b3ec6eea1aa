import { describe, expect, test } from 'vitest'
import { type BlendTask, fitBlend } from '#services/trainer/fit-blend.ts'
import type { Question } from '#shared/evaluation/evaluate.ts'
import { nodeMoments } from '#shared/inference/node-moments.ts'
import { createTokenDecoder } from '#shared/inference/token-decoder.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { listNeighbours, type Neighbours } from '#shared/recommendations/neighbours.ts'
import type { RankingModel } from '#shared/recommendations/rank.ts'

// Four items; the dense head gives them the shares .6, .3, .1 and 0, whatever was clicked.
const shares = [0.6, 0.3, 0.1, 0]
const towardsItem1 = listNeighbours([[], [], [], [{ item: 1, similarity: 1 }]])

describe('fitBlend', () => {
  test('gives co-visitation no weight where the dense head alone is right', () => {
    const model = modelOf(shares, towardsItem1)

    const blend = fitBlend(model, task([question({ clicked: [3], target: 0 })]))

    expect(blend).toMatchObject({ coVisitationWeight: 0, clickDecay: 0.4 })
  })

  test('gives co-visitation the least weight that puts a target first', () => {
    const model = modelOf(shares, towardsItem1)

    const blend = fitBlend(model, task([question({ clicked: [3], target: 1 })]))

    // .3 (1 - w) + w > .6 (1 - w) from w = .231 on.
    expect(blend.coVisitationWeight).toBe(0.3)
  })

  test('gives similarity the least weight that puts a target first', () => {
    const model = modelOf(shares, listNeighbours([[], [], [], []]), towardsItem1)

    const blend = fitBlend(model, task([question({ clicked: [3], target: 1 })]))

    expect(blend).toMatchObject({ coVisitationWeight: 0, similarityWeight: 0.3 })
  })

  test('gives coming back the least weight that puts what was clicked first', () => {
    const model = modelOf(shares, listNeighbours([[], [], [], []]))
    const asked = [question({ clicked: [1], target: 1 })]

    // .3 (1 - w) + w > .6 (1 - w) from w = .231 on.
    expect(fitBlend(model, task(asked)).returnWeight).toBe(0.3)
    expect(fitBlend(model, { ...task(asked), repeats: false }).returnWeight).toBe(0)
  })

  test('weighs by the many questions, not by one', () => {
    const model = modelOf(shares, towardsItem1)
    const [right, wrong] = [1, 0].map(target => question({ clicked: [3], target }))

    expect(fitBlend(model, task([right!, wrong!, wrong!])).coVisitationWeight).toBe(0)
    expect(fitBlend(model, task([right!, right!, wrong!])).coVisitationWeight).toBe(0.3)
  })

  test('leaves clicked items out where visitors do not come back to them', () => {
    const model = modelOf(shares, listNeighbours([[{ item: 1, similarity: 1 }], [], [], []]))
    const asked = [question({ clicked: [0], target: 1 })]

    expect(fitBlend(model, task(asked)).coVisitationWeight).toBe(0.3)
    expect(fitBlend(model, { ...task(asked), repeats: false }).coVisitationWeight).toBe(0)
  })

  test('lets clicks fade as slowly as the older click must count', () => {
    const model = modelOf(
      [0.3, 0.31, 0.2, 0.19],
      listNeighbours([[], [], [{ item: 0, similarity: 1 }], [{ item: 1, similarity: 0.7 }]])
    )

    const blend = fitBlend(model, task([question({ clicked: [2, 3], target: 0 })]))

    // The older click speaks for item 0 with the decay itself, the newer one for item 1 with .7:
    // of .6 and .7 the newer wins, of .8 and .7 the older, from (1 - w) .01 < w (.8 - .7) / 1.5 on.
    expect(blend).toMatchObject({ coVisitationWeight: 0.2, clickDecay: 0.8 })
  })

  test('is the dense head alone when there is nothing to ask', () => {
    const blend = fitBlend(modelOf(shares, towardsItem1), task([]))

    expect(blend).toMatchObject({ coVisitationWeight: 0, clickDecay: 0.4 })
  })
})

describe('the margin of new items', () => {
  // Item 3 is new: e^margin times its share of .01 beats .6 from a margin of 4.1 on, .3 from 3.4 on.
  const model = {
    ...modelOf([0.6, 0.3, 0.1, 0.01], listNeighbours([[], [], [], []])),
    newItems: new Set([3])
  }
  const many = (target: number, count: number) =>
    Array.from({ length: count }, () => question({ clicked: [2], target }))

  test('is fitted on known items taken for new ones where less than a fiftieth is new', () => {
    // Forty known items, of which two at a time are taken for new ones, 19 and 39 among them; by their
    // metadata they are about as likely as the tenth.
    const even = Array.from({ length: 40 }, (_, i) => 0.1 - i / 1000)
    const none = listNeighbours(even.map(() => []))
    const described = (share: number) =>
      Float32Array.from(even, (own, i) => Math.log((i % 4 === 3 ? share : own) + 1e-9))
    const asked = [...many(0, 50), ...many(9, 50)] // the first and the last of a list of ten
    const marginFor = (share: number) =>
      fitBlend(modelOf(even, none), { ...task(asked), metadataVectors: described(share) })
        .newItemMargin

    expect(marginFor(1e-6)).toBe(2) // even twice e^2 such shares reach no list
    expect(marginFor(0.05)).toBeCloseTo(0.55) // .05 e^.6 passes .091, the share of the tenth
  })

  test('is the standard one where too few questions are answered to tell', () => {
    expect(fitBlend(model, task(many(0, 39))).newItemMargin).toBe(0.25)
    expect(fitBlend(model, task([])).newItemMargin).toBe(0.25)
  })

  test('is the largest one where known items lose nothing', () => {
    expect(fitBlend(model, task(many(0, 60))).newItemMargin).toBe(2)
  })

  test('goes as far as known items may lose', () => {
    // Ten known items with clicks, and a new one that takes the last place from a margin of .69 on.
    const shares = [...Array.from({ length: 10 }, (_, i) => 0.2 - i / 100), 0.055]
    const crowded = {
      ...modelOf(shares, listNeighbours(shares.map(() => []))),
      newItems: new Set([10])
    }
    const asked = (last: number) => task([...many(0, 100 - last), ...many(9, last)])

    const [free, dear] = [asked(2), asked(10)].map(one => fitBlend(crowded, one).newItemMargin)

    expect(free).toBe(2) // two questions of a hundred are lost
    expect(dear).toBeCloseTo(0.65) // ten would be
  })
})

function task(questions: readonly Question[]): BlendTask {
  return { questions, repeats: true, newItemLoss: 0.025, metadataVectors: new Float32Array(0) }
}

function question({ clicked, target }: { clicked: number[]; target: number }): Question {
  return { clicked: Int32Array.from(clicked), state: Float32Array.of(1), target }
}

/** Items of width one whose only number is the logarithm of their share. */
function modelOf(
  denseShares: number[],
  coVisitation: Neighbours,
  similarity = listNeighbours(denseShares.map(() => []))
): Omit<RankingModel, 'blend'> {
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
    similarity,
    byPopularity: Int32Array.from(denseShares.keys()),
    newItems: new Set()
  }
}
