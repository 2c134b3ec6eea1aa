import { describe, expect, test } from 'vitest'
import { fitBlend } from '#services/trainer/fit-blend.ts'
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

    const blend = fitBlend(model, [question({ clicked: [3], target: 0 })], true)

    expect(blend).toEqual({ coVisitationWeight: 0, coVisitationDecay: 0.4 })
  })

  test('gives co-visitation the least weight that puts a target first', () => {
    const model = modelOf(shares, towardsItem1)

    const blend = fitBlend(model, [question({ clicked: [3], target: 1 })], true)

    // .3 (1 - w) + w > .6 (1 - w) from w = .231 on.
    expect(blend.coVisitationWeight).toBe(0.3)
  })

  test('weighs by the many questions, not by one', () => {
    const model = modelOf(shares, towardsItem1)
    const [right, wrong] = [1, 0].map(target => question({ clicked: [3], target }))

    expect(fitBlend(model, [right!, wrong!, wrong!], true).coVisitationWeight).toBe(0)
    expect(fitBlend(model, [right!, right!, wrong!], true).coVisitationWeight).toBe(0.3)
  })

  test('leaves clicked items out where visitors do not come back to them', () => {
    const model = modelOf(shares, neighbours([[{ item: 1, similarity: 1 }], [], [], []]))
    const asked = [question({ clicked: [0], target: 1 })]

    expect(fitBlend(model, asked, true).coVisitationWeight).toBe(0.3)
    expect(fitBlend(model, asked, false).coVisitationWeight).toBe(0)
  })

  test('lets clicks fade as slowly as the older click must count', () => {
    const model = modelOf(
      [0.3, 0.31, 0.2, 0.19],
      neighbours([[], [], [{ item: 0, similarity: 1 }], [{ item: 1, similarity: 0.7 }]])
    )

    const blend = fitBlend(model, [question({ clicked: [2, 3], target: 0 })], true)

    // The older click speaks for item 0 with the decay itself, the newer one for item 1 with .7:
    // of .6 and .7 the newer wins, of .8 and .7 the older, from (1 - w) .01 < w (.8 - .7) / 1.5 on.
    expect(blend).toEqual({ coVisitationWeight: 0.2, coVisitationDecay: 0.8 })
  })

  test('is the dense head alone when there is nothing to ask', () => {
    const blend = fitBlend(modelOf(shares, towardsItem1), [], true)

    expect(blend).toEqual({ coVisitationWeight: 0, coVisitationDecay: 0.4 })
  })
})

function question({ clicked, target }: { clicked: number[]; target: number }): Question {
  return { clicked: Int32Array.from(clicked), state: Float32Array.of(1), target }
}

/** Items of width one whose only number is the logarithm of their share. */
function modelOf(denseShares: number[], coVisitation: CoVisitation): Omit<RankingModel, 'blend'> {
  const vectors = Float32Array.from(denseShares, share => Math.log(share + 1e-9))
  const trie = buildTrie({
    scheme: 'residual-kmeans',
    depth: 1,
    levelSizes: [4],
    codes: Int32Array.of(0, 1, 2, 3)
  })
  const zero = new Float32Array(1)
  const weights = { session: zero, node: zero, level: zero, output: zero }
  return {
    decoder: createTokenDecoder(trie, nodeMoments(trie, vectors, 1), weights),
    vectors,
    coVisitation,
    byPopularity: Int32Array.of(0, 1, 2, 3)
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
