import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  beamSearch,
  type Candidate,
  type CodeScorer,
  logSumExp
} from '#shared/inference/beam-search.ts'
import { buildTrie, Exclusions, type Trie } from '#shared/itemids/trie.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { tinyCatalogue } from '#test/support/tiny-catalogue.ts'

const cases = fc.record({
  trie: tinyCatalogue().map(buildTrie),
  seed: fc.nat(),
  /** Scores are whole numbers up to this: few of them make many ties. */
  spread: fc.constantFrom(0, 1, 3, 1000),
  excluded: fc.array(fc.nat(29), { maxLength: 30 }),
  width: fc.integer({ min: 1, max: 12 })
})

describe('beam search', () => {
  test('that is wide enough finds what brute force finds, in the same order', () => {
    fc.assert(
      fc.property(cases, ({ trie, seed, spread, excluded }) => {
        const scorer = randomScorer(trie, seed, spread)

        const found = search(trie, scorer, excluded, trie.leaf.length)

        expect(found).toEqual(bruteForce(trie, scorer, excluded))
      }),
      { numRuns: 2000 }
    )
  })

  test('of any width gives as many distinct allowed items as exist, up to its width', () => {
    fc.assert(
      fc.property(cases, ({ trie, seed, spread, excluded, width }) => {
        const scorer = randomScorer(trie, seed, spread)
        const all = bruteForce(trie, scorer, excluded)

        const found = search(trie, scorer, excluded, width)

        expect(found).toHaveLength(Math.min(width, all.length))
        expect(new Set(found.map(({ item }) => item)).size).toBe(found.length)
        for (const candidate of found) expect(all).toContainEqual(candidate)
        expect(found).toEqual(all.filter(candidate => found.some(same(candidate))))
      }),
      { numRuns: 2000 }
    )
  })

  test('never asks about a branch in which nothing is allowed', () => {
    fc.assert(
      fc.property(cases, ({ trie, seed, spread, excluded, width }) => {
        const exclusions = new Exclusions(trie, excluded)
        const scorer = randomScorer(trie, seed, spread)
        const asked: number[] = []
        const listening: CodeScorer = {
          scoreChildren(node, scores) {
            asked.push(node)
            scorer.scoreChildren(node, scores)
          }
        }

        beamSearch({ trie, scorer: listening, exclusions, width })

        expect(asked.filter(node => exclusions.allowed(node) === 0)).toEqual([])
      }),
      { numRuns: 300 }
    )
  })

  test('gives the items in the order of the trie when all are equally probable', () => {
    const codes = Int32Array.of(1, 1, 0, 1, 1, 0, 0, 0) // items 3, 1, 2, 0 in the trie
    const trie = buildTrie({ scheme: 'residual-kmeans', depth: 2, levelSizes: [2, 2], codes })

    const found = search(trie, randomScorer(trie, 1, 0), [], 3)

    expect(found.map(({ item }) => item)).toEqual([3, 1, 2])
  })

  test('gives probabilities that sum to one over the whole catalogue', () => {
    fc.assert(
      fc.property(cases, ({ trie, seed, spread }) => {
        const found = search(trie, randomScorer(trie, seed, spread), [], trie.leaf.length)

        const total = found.reduce((sum, candidate) => sum + Math.exp(candidate.logProbability), 0)
        expect(total).toBeCloseTo(1, 10)
      }),
      { numRuns: 300 }
    )
  })

  test('does not make an item more probable because its neighbours are excluded', () => {
    const codes = Int32Array.of(0, 1, 2)
    const trie = buildTrie({ scheme: 'residual-kmeans', depth: 1, levelSizes: [3], codes })

    const found = search(trie, randomScorer(trie, 1, 0), [0, 1], 3)

    expect(found).toEqual([{ item: 2, logProbability: -Math.log(3) }])
  })

  test('of width one follows the best code at each step', () => {
    // Code 0 is better than code 1, though the best item, [1, 0], lies below the latter.
    const codes = Int32Array.of(0, 0, 0, 1, 1, 0)
    const trie = buildTrie({ scheme: 'residual-kmeans', depth: 2, levelSizes: [2, 2], codes })
    const scorer: CodeScorer = {
      scoreChildren(node, scores) {
        if (node === 0) scores.set([Math.log(0.6), Math.log(0.4)]) // elsewhere all are equal
      }
    }

    const [greedy] = search(trie, scorer, [], 1)
    const [best] = search(trie, scorer, [], 2)

    expect(greedy).toEqual({ item: 0, logProbability: expect.closeTo(Math.log(0.3)) })
    expect(best).toEqual({ item: 2, logProbability: expect.closeTo(Math.log(0.4)) })
  })

  test('of an empty catalogue, or with all excluded, gives nothing', () => {
    const ids = { scheme: 'residual-kmeans' as const, depth: 1, levelSizes: [1] }
    const empty = buildTrie({ ...ids, codes: new Int32Array(0) })
    const one = buildTrie({ ...ids, codes: Int32Array.of(0) })

    expect(search(empty, randomScorer(empty, 1, 0), [], 5)).toEqual([])
    expect(search(one, randomScorer(one, 1, 0), [0], 5)).toEqual([])
  })
})

test('logSumExp stays finite where exp would not', () => {
  expect(logSumExp(Float64Array.of(1000, 1000))).toBeCloseTo(1000 + Math.log(2), 10)
  expect(logSumExp(Float64Array.of(-1000, -1001))).toBeCloseTo(-1000 + Math.log(1 + 1 / Math.E), 10)
})

function search(trie: Trie, scorer: CodeScorer, excluded: number[], width: number): Candidate[] {
  return beamSearch({ trie, scorer, exclusions: new Exclusions(trie, excluded), width })
}

/** Scores for every node drawn once, so that a node asked about twice answers the same. */
function randomScorer(trie: Trie, seed: number, spread: number): CodeScorer {
  const random = createRandom(seed)
  const scoreOf = Float64Array.from(trie.item, () => random.integer(spread + 1) / 100)
  return {
    scoreChildren(node, scores) {
      for (let c = 0; c < trie.childCount[node]!; c++)
        scores[c] = scoreOf[trie.firstChild[node]! + c]!
    }
  }
}

/** Every allowed item with the probability of its whole path, the best first. */
function bruteForce(trie: Trie, scorer: CodeScorer, excluded: number[]): Candidate[] {
  const logProbabilityOf = (node: number): number => {
    const parent = trie.parent[node]!
    if (parent < 0) return 0
    const scores = new Float64Array(trie.childCount[parent]!)
    scorer.scoreChildren(parent, scores)
    const own = scores[node - trie.firstChild[parent]!]!
    return logProbabilityOf(parent) + own - logSumExp(scores)
  }
  const items = Array.from(trie.leaf.keys()).filter(item => !excluded.includes(item))
  return items
    .map(item => ({ item, logProbability: logProbabilityOf(trie.leaf[item]!) }))
    .sort((a, b) => b.logProbability - a.logProbability || trie.leaf[a.item]! - trie.leaf[b.item]!)
}

function same({ item }: Candidate): (other: Candidate) => boolean {
  return other => other.item === item
}
