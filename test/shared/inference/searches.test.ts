// What both searches promise.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { beamSearch } from '#shared/inference/beam-search.ts'
import { bestFirstSearch } from '#shared/inference/best-first-search.ts'
import type { CodeScorer } from '#shared/inference/code-scorer.ts'
import type { Candidate, SearchTask } from '#shared/inference/search-task.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { Exclusions } from '#shared/itemids/exclusions.ts'
import { childAt, childrenOf, codesOf, type Trie } from '#shared/itemids/trie.ts'
import { bruteForce, randomScorer, randomSearches } from '#test/support/random-search.ts'

type Search = (task: SearchTask) => Candidate[]

describe.each<[string, Search]>([
  ['beam search', beamSearch],
  ['best-first search', bestFirstSearch]
])('%s', (_, searchBy) => {
  test('that may return the whole catalogue finds what brute force finds, in the same order', () => {
    fc.assert(
      fc.property(randomSearches, ({ trie, seed, spread, excluded }) => {
        const scorer = randomScorer(trie, seed, spread)

        const found = search(trie, scorer, excluded, trie.leaf.length)

        expect(found).toEqual(bruteForce(trie, scorer, excluded))
      }),
      { numRuns: 2000 }
    )
  })

  test('of any width gives as many distinct allowed items as exist, up to its width', () => {
    fc.assert(
      fc.property(randomSearches, ({ trie, seed, spread, excluded, width }) => {
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

  test('finds the few items that are left when nearly everything is excluded', () => {
    const cases = fc.record({
      search: randomSearches,
      kept: fc.array(fc.nat(29), { maxLength: 2 })
    })
    fc.assert(
      fc.property(cases, ({ search: { trie, seed, spread }, kept }) => {
        const items = Array.from(trie.leaf.keys())
        const excluded = items.filter(item => !kept.includes(item))

        const found = search(trie, randomScorer(trie, seed, spread), excluded, kept.length + 1)

        const left = items.filter(item => kept.includes(item))
        expect(found.map(({ item }) => item).sort((a, b) => a - b)).toEqual(left)
      }),
      { numRuns: 1000 }
    )
  })

  test('never asks about a branch in which nothing is allowed', () => {
    fc.assert(
      fc.property(randomSearches, ({ trie, seed, spread, excluded, width }) => {
        const exclusions = new Exclusions(trie, excluded)
        const scorer = randomScorer(trie, seed, spread)
        const asked: number[] = []
        const listening: CodeScorer = {
          scoreChildren(node, children, scores) {
            asked.push(node)
            scorer.scoreChildren(node, children, scores)
          }
        }

        searchBy({ trie, scorer: listening, exclusions, width })

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
      fc.property(randomSearches, ({ trie, seed, spread }) => {
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

  test('asks for the codes of prefixes of the trie only, each once', () => {
    fc.assert(
      fc.property(randomSearches, ({ trie, seed, spread, excluded, width }) => {
        const scorer = randomScorer(trie, seed, spread)
        const asked: number[] = []
        const listening: CodeScorer = {
          scoreChildren(node, children, scores) {
            asked.push(node)
            const listed = Array.from({ length: children.count }, (_, n) => childAt(children, n))
            expect(listed).toEqual(childrenOf(trie, node))
            scorer.scoreChildren(node, children, scores)
          }
        }

        const found = search(trie, listening, excluded, width)

        expect(new Set(asked).size).toBe(asked.length)
        for (const { item } of found) {
          const way = codesOf(trie, trie.leafOf(item)).slice(0, -1)
          let node = 0
          for (const code of way) {
            if (childrenOf(trie, node).length > 1) expect(asked).toContain(node)
            node = trie.childBy(node, code)!
          }
        }
      }),
      { numRuns: 300 }
    )
  })

  test('of no width gives nothing, and asks for nothing', () => {
    const trie = buildTrie({
      scheme: 'residual-kmeans',
      depth: 1,
      levelSizes: [2],
      codes: Int32Array.of(0, 1)
    })

    expect(search(trie, randomScorer(trie, 1, 0), [], 0)).toEqual([])
  })

  test('of an empty catalogue, or with all excluded, gives nothing', () => {
    const ids = { scheme: 'residual-kmeans' as const, depth: 1, levelSizes: [1] }
    const empty = buildTrie({ ...ids, codes: new Int32Array(0) })
    const one = buildTrie({ ...ids, codes: Int32Array.of(0) })

    expect(search(empty, randomScorer(empty, 1, 0), [], 5)).toEqual([])
    expect(search(one, randomScorer(one, 1, 0), [0], 5)).toEqual([])
  })

  function search(trie: Trie, scorer: CodeScorer, excluded: number[], width: number): Candidate[] {
    return searchBy({ trie, scorer, exclusions: new Exclusions(trie, excluded), width })
  }
})

function same({ item }: Candidate): (other: Candidate) => boolean {
  return other => other.item === item
}
