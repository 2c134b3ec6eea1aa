// What holds of beam search alone; searches.test.ts has what holds of both.
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { beamSearch } from '#shared/inference/beam-search.ts'
import { type CodeScorer, countCalls } from '#shared/inference/code-scorer.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { Exclusions } from '#shared/itemids/exclusions.ts'
import { randomScorer, randomSearches } from '#test/support/random-search.ts'

test('a beam of width one follows the best code at each step', () => {
  // Code 0 is better than code 1, though the best item, [1, 0], lies below the latter.
  const codes = Int32Array.of(0, 0, 0, 1, 1, 0)
  const trie = buildTrie({ scheme: 'residual-kmeans', depth: 2, levelSizes: [2, 2], codes })
  const exclusions = new Exclusions(trie, [])
  const scorer: CodeScorer = {
    scoreChildren(node, _, scores) {
      scores.set(node === 0 ? [Math.log(0.6), Math.log(0.4)] : [0, 0])
    }
  }

  const [greedy] = beamSearch({ trie, scorer, exclusions, width: 1 })
  const [best] = beamSearch({ trie, scorer, exclusions, width: 2 })

  expect(greedy).toEqual({ item: 0, logProbability: expect.closeTo(Math.log(0.3)) })
  expect(best).toEqual({ item: 2, logProbability: expect.closeTo(Math.log(0.4)) })
})

test('what another node was scored says nothing about an only child', () => {
  const codes = Int32Array.of(0, 0, 1, 0)
  const trie = buildTrie({ scheme: 'residual-kmeans', depth: 2, levelSizes: [2, 1], codes })
  const exclusions = new Exclusions(trie, [])
  const scorer: CodeScorer = {
    scoreChildren: (_, __, scores) => scores.set([-Infinity, 0])
  }

  expect(beamSearch({ trie, scorer, exclusions, width: 2 })).toEqual([
    { item: 1, logProbability: 0 },
    { item: 0, logProbability: -Infinity }
  ])
})

test('beam search asks about the root and at most `width` prefixes of each further level', () => {
  fc.assert(
    fc.property(randomSearches, ({ trie, seed, spread, excluded, width }) => {
      const scorer = countCalls(randomScorer(trie, seed, spread))

      beamSearch({ trie, scorer, exclusions: new Exclusions(trie, excluded), width })

      expect(scorer.calls).toBeLessThanOrEqual(1 + (trie.depth - 1) * width)
    }),
    { numRuns: 300 }
  )
})
