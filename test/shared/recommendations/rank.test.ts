import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nodeMoments } from '#shared/inference/node-moments.ts'
import { createTokenDecoder } from '#shared/inference/token-decoder.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { ItemFilter } from '#shared/itemids/item-filter.ts'
import type { ItemIds } from '#shared/itemids/item-ids.ts'
import { assignResidualKmeans } from '#shared/itemids/residual-kmeans.ts'
import { fitCoVisitation } from '#shared/recommendations/co-visitation.ts'
import { listNeighbours, type Neighbours } from '#shared/recommendations/neighbours.ts'
import { type RankingModel, type RankingQuestion, rank } from '#shared/recommendations/rank.ts'
import { createRandom } from '#shared/runtime/random.ts'

/** Items of one dimension: under the state 1 their dense shares are as 1 to 2 to 5. */
const threeItems = [0, Math.log(2), Math.log(5)]
/** After item 2 came item 0, and three times less often item 1. */
const coVisitation = rows([], [], [row(0, 0.03), row(1, 0.01)])

test('the score blends the dense share and the co-visited share of each candidate', () => {
  const model = modelOf(threeItems, { coVisitation, weight: 0.5 })

  const ranked = rank(model, question({ clicked: [2] }))

  expect(ranked).toEqual([
    { item: 0, score: closeTo(0.5 * (1 / 8) + 0.5 * (3 / 4)), source: 'generated' },
    { item: 2, score: closeTo(0.5 * (5 / 8)), source: 'generated' },
    { item: 1, score: closeTo(0.5 * (2 / 8) + 0.5 * (1 / 4)), source: 'generated' }
  ])
})

test('with weight 0 the dense order alone counts, with weight 1 co-visitation alone', () => {
  const order = (weight: number) =>
    rank(modelOf(threeItems, { coVisitation, weight }), question({ clicked: [2] })).map(
      ({ item }) => item
    )

  expect(order(0)).toEqual([2, 1, 0])
  expect(order(1)).toEqual([0, 1, 2])
})

test('shares are taken over what may be shown', () => {
  const model = modelOf(threeItems, { coVisitation, weight: 0.5 })

  const ranked = rank(model, question({ clicked: [2], excluded: [2] }))

  expect(ranked).toEqual([
    { item: 0, score: closeTo(0.5 * (1 / 3) + 0.5 * (3 / 4)), source: 'generated' },
    { item: 1, score: closeTo(0.5 * (2 / 3) + 0.5 * (1 / 4)), source: 'generated' }
  ])
})

test('of equal scores the first item of the release is first', () => {
  const ranked = rank(modelOf([1, 1, 1]), question({ clicked: [0] }))

  expect(ranked.map(({ item }) => item)).toEqual([0, 1, 2])
})

test('an item that generation did not reach is a candidate when it was co-visited', () => {
  // Forty items, of which the beam of thirty keeps the most probable; item 39 is the least.
  const values = Array.from({ length: 40 }, (_, item) => 4 - item / 10)
  const visited = rows([row(39, 0.03)], ...Array.from({ length: 39 }, () => []))

  const ranked = rank(
    modelOf(values, { coVisitation: visited, weight: 0.9 }),
    question({ clicked: [0], count: 2 })
  )

  expect(ranked).toMatchObject([
    { item: 39, source: 'co-visited' },
    { item: 0, source: 'generated' }
  ])
})

test('what the session clicked is a candidate wherever it may come back', () => {
  const values = Array.from({ length: 40 }, (_, item) => 4 - item / 10)
  const model = modelOf(values, { weight: 0, returnWeight: 0.9 })

  const [first, second] = rank(model, question({ clicked: [38, 39], count: 2 }))
  const without = rank(model, question({ clicked: [38, 39], excluded: [38, 39], count: 2 }))

  // Of the ten parts of the weight nine are shared between the two clicks: the older one has decayed to .6.
  expect(first).toEqual({ item: 39, score: expect.any(Number), source: 'returned' })
  expect(second).toEqual({ item: 38, score: expect.any(Number), source: 'returned' })
  expect(first!.score - second!.score).toBeCloseTo((0.9 * (1 - 0.6)) / 1.6, 3)
  expect(without.map(({ item }) => item)).toEqual([0, 1])
})

test('a session without a known click gets what is popular, without what is excluded', () => {
  const model = { ...modelOf(threeItems), byPopularity: Int32Array.of(1, 2, 0) }

  const ranked = rank(model, { ...question({ excluded: [2] }), state: undefined })

  expect(ranked).toEqual([
    { item: 1, score: 1, source: 'popular' },
    { item: 0, score: 1 / 2, source: 'popular' }
  ])
})

test('when everything is excluded the answer is empty', () => {
  const everything = question({ clicked: [2], excluded: [0, 1, 2] })

  expect(rank(modelOf(threeItems, { coVisitation }), everything)).toEqual([])
  expect(rank(modelOf(threeItems), { ...everything, state: undefined })).toEqual([])
})

test('as many items are answered as are wanted, whenever that many may be shown', () => {
  const facts = fc.record({
    seed: fc.nat(1000),
    itemCount: fc.integer({ min: 1, max: 90 }),
    excludedShare: fc.constantFrom(0, 0.3, 0.9),
    count: fc.integer({ min: 1, max: 100 }),
    hasState: fc.boolean()
  })

  fc.assert(
    fc.property(facts, ({ seed, itemCount, excludedShare, count, hasState }) => {
      const random = createRandom(seed)
      const model = randomModel(itemCount, seed)
      const excluded = new Set(
        Array.from({ length: itemCount }, (_, item) => item).filter(
          () => random.next() < excludedShare
        )
      )

      const ranked = rank(model, {
        state: hasState ? Float32Array.from({ length: 4 }, random.normal) : undefined,
        clicked: Int32Array.from({ length: 5 }, () => random.integer(itemCount)),
        excluded,
        count
      })

      const items = ranked.map(({ item }) => item)
      const scores = ranked.map(({ score }) => score)
      expect(items).toHaveLength(Math.min(count, itemCount - excluded.size))
      expect(new Set(items).size).toBe(items.length)
      expect(items.filter(item => excluded.has(item) || item < 0 || item >= itemCount)).toEqual([])
      expect(scores).toEqual(scores.toSorted((a, b) => b - a))
    })
  )
})

test.each(['beam', 'exact'] as const)(
  'by %s, a filter answers as if all that fail it did not exist, and finds every one that passes',
  search => {
    const facts = fc.record({
      seed: fc.nat(1000),
      itemCount: fc.integer({ min: 1, max: 300 }),
      passing: fc.constantFrom(0, 0.005, 0.03, 0.5, 1),
      count: fc.integer({ min: 1, max: 40 }),
      hasState: fc.boolean()
    })

    fc.assert(
      fc.property(facts, ({ seed, itemCount, passing, count, hasState }) => {
        const random = createRandom(seed)
        const model = { ...randomModel(itemCount, seed), generation: { search, width: 30 } }
        const all = Array.from({ length: itemCount }, (_, item) => item)
        const passed = new Set(all.filter(() => random.next() < passing))
        const clicked = Int32Array.from({ length: 5 }, () => random.integer(itemCount))
        const state = hasState ? Float32Array.from({ length: 4 }, random.normal) : undefined
        const asked = { state, clicked, count }

        const filter = new ItemFilter(item => passed.has(item))
        const ranked = rank(model, { ...asked, excluded: [clicked[0]!], filter })

        const forbidden = all.filter(item => !passed.has(item) || item === clicked[0])
        expect(ranked).toEqual(rank(model, { ...asked, excluded: forbidden }))
        expect(ranked).toHaveLength(Math.min(count, itemCount - forbidden.length))
        expect(ranked.filter(({ item }) => forbidden.includes(item))).toEqual([])
      })
    )
  }
)

test('of what passes a filter the order is that of all scores, where all are candidates', () => {
  const values = Array.from({ length: 500 }, (_, item) => Math.sin(item))
  const passes = (item: number) => item % 50 === 7

  const ranked = rank(modelOf(values, { weight: 0 }), {
    ...question({ count: 3 }),
    filter: new ItemFilter(passes)
  })

  const byForce = [...values.keys()].filter(passes).sort((a, b) => values[b]! - values[a]!)
  expect(ranked.map(({ item }) => item)).toEqual(byForce.slice(0, 3))
})

test('an item described like the clicks is a candidate, and says so', () => {
  const values = Array.from({ length: 40 }, (_, item) => (item === 39 ? -9 : 0))
  const similarity = rows([row(39, 0.2)], ...values.slice(1).map(() => []))
  const model = modelOf(values, { similarity, similarityWeight: 0.5, weight: 0.25 })

  const [first] = rank(model, question({ clicked: [0], excluded: [0] }))

  expect(first).toEqual({ item: 39, score: closeTo(0.5), source: 'similar' })
})

test('the similarity of a new item counts e^margin times', () => {
  const similarity = rows([], [], [row(0, 0.2), row(1, 0.2)])
  const scoreOf = (margin: number) =>
    rank(
      modelOf([0, 0, 0], { similarity, similarityWeight: 1, weight: 0, newItems: [1], margin }),
      question({ clicked: [2] })
    ).map(({ item, score }) => ({ item, score }))

  expect(scoreOf(0)).toMatchObject([{ score: closeTo(0.5) }, { score: closeTo(0.5) }, {}])
  expect(scoreOf(Math.log(3))).toMatchObject([{ item: 1, score: closeTo(0.75) }, {}, {}])
})

test('a new item is lifted by the margin and says that it is new', () => {
  const values = [3, 2, 1]
  const facts = { newItems: [2], weight: 0 }

  const [without, lifted] = [0, 2.5].map(margin =>
    rank(modelOf(values, { ...facts, margin }), question({}))
  )

  expect(without!.map(({ item, source }) => [item, source])).toEqual([
    [0, 'generated'],
    [1, 'generated'],
    [2, 'new']
  ])
  expect(lifted!.map(({ item }) => item)).toEqual([2, 0, 1]) // 1 + 2.5 > 3
})

test('a new item that the beam does not reach is a candidate all the same', () => {
  const values = Array.from({ length: 200 }, (_, i) => 200 - i)

  const ranked = rank(modelOf(values, { newItems: [199], margin: 300 }), question({ count: 1 }))

  expect(ranked).toEqual([{ item: 199, score: closeTo(0.5), source: 'new' }])
})

interface ModelFacts {
  readonly coVisitation?: Neighbours
  readonly weight?: number
  readonly similarity?: Neighbours
  readonly similarityWeight?: number
  readonly newItems?: readonly number[]
  readonly margin?: number
  readonly returnWeight?: number
}

/** Items of width one, each a branch of its own below the root. */
function modelOf(values: readonly number[], facts: ModelFacts = {}): RankingModel {
  const codes = Int32Array.from(values.keys())
  const itemIds: ItemIds = {
    scheme: 'residual-kmeans',
    depth: 1,
    levelSizes: [codes.length],
    codes
  }
  return {
    ...searchModel(itemIds, Float32Array.from(values), 1),
    coVisitation: facts.coVisitation ?? rows(...values.map(() => [])),
    similarity: facts.similarity ?? rows(...values.map(() => [])),
    byPopularity: codes,
    newItems: new Set(facts.newItems),
    blend: {
      coVisitationWeight: facts.weight ?? 0.5,
      similarityWeight: facts.similarityWeight ?? 0,
      returnWeight: facts.returnWeight ?? 0,
      clickDecay: 0.6,
      newItemMargin: facts.margin ?? 0
    }
  }
}

function randomModel(itemCount: number, seed: number): RankingModel {
  const random = createRandom(seed)
  const vectors = Float32Array.from({ length: itemCount * 4 }, random.normal)
  const session = () => Int32Array.from({ length: 4 }, () => random.integer(itemCount))
  return {
    ...searchModel(assignResidualKmeans(vectors, 4, random).itemIds, vectors, 4),
    coVisitation: fitCoVisitation(Array.from({ length: 30 }, session), itemCount, 'all'),
    similarity: fitCoVisitation(Array.from({ length: 9 }, session), itemCount, 'distinct'),
    byPopularity: random.shuffle(Int32Array.from({ length: itemCount }, (_, item) => item)),
    newItems: new Set([itemCount - 1]),
    blend: {
      coVisitationWeight: 0.4,
      similarityWeight: 0.2,
      returnWeight: 0.1,
      clickDecay: 0.6,
      newItemMargin: 1
    }
  }
}

/** A decoder without a learned correction. */
function searchModel(itemIds: ItemIds, vectors: Float32Array, width: number) {
  const trie = buildTrie(itemIds)
  const square = new Float32Array(width * width)
  const level = new Float32Array(itemIds.depth * width)
  const weights = { session: square, node: square, level, output: square }
  return { decoder: createTokenDecoder(trie, nodeMoments(trie, vectors, width), weights), vectors }
}

function question(facts: {
  readonly clicked?: readonly number[]
  readonly excluded?: readonly number[]
  readonly count?: number
}): RankingQuestion {
  return {
    state: Float32Array.of(1),
    clicked: Int32Array.from(facts.clicked ?? []),
    excluded: facts.excluded ?? [],
    count: facts.count ?? 10
  }
}

function row(item: number, similarity: number) {
  return { item, similarity }
}

/** The neighbours of each item. */
function rows(...all: readonly ReturnType<typeof row>[][]): Neighbours {
  return listNeighbours(all)
}

function closeTo(value: number): number {
  return expect.closeTo(value, 5)
}
