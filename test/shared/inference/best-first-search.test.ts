// What holds of exact search alone; searches.test.ts has what holds of both.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { beamSearch } from '#shared/inference/beam-search.ts'
import { bestFirstSearch } from '#shared/inference/best-first-search.ts'
import { type CodeScorer, countCalls } from '#shared/inference/code-scorer.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { Exclusions } from '#shared/itemids/exclusions.ts'
import { bruteForce, randomScorer, randomSearches } from '#test/support/random-search.ts'

describe('best-first search', () => {
  test('of any width finds the best items, exactly and in order', () => {
    fc.assert(
      fc.property(randomSearches, ({ trie, seed, spread, excluded, width }) => {
        const scorer = randomScorer(trie, seed, spread)

        const found = bestFirstSearch(task({ trie, scorer, excluded, width }))

        expect(found).toEqual(bruteForce(trie, scorer, excluded).slice(0, width))
      }),
      { numRuns: 5000 }
    )
  })

  test('finds what a beam finds that is wide enough to keep every prefix', () => {
    fc.assert(
      fc.property(randomSearches, ({ trie, seed, spread, excluded, width }) => {
        const scorer = randomScorer(trie, seed, spread)
        const everything = task({ trie, scorer, excluded, width: trie.leaf.length })

        const found = bestFirstSearch({ ...everything, width })

        expect(found).toEqual(beamSearch(everything).slice(0, width))
      }),
      { numRuns: 2000 }
    )
  })

  test('asks about each prefix at most once', () => {
    fc.assert(
      fc.property(randomSearches, ({ trie, seed, spread, excluded, width }) => {
        const asked: number[] = []
        const scorer = randomScorer(trie, seed, spread)
        const listening: CodeScorer = {
          scoreChildren(node, children, scores) {
            asked.push(node)
            scorer.scoreChildren(node, children, scores)
          }
        }

        bestFirstSearch(task({ trie, scorer: listening, excluded, width }))

        expect(new Set(asked).size).toBe(asked.length)
      }),
      { numRuns: 300 }
    )
  })

  test('finds the best item where a beam of the same width misses it', () => {
    const codes = Int32Array.of(0, 0, 0, 1, 1, 0)
    const trie = buildTrie({ scheme: 'residual-kmeans', depth: 2, levelSizes: [2, 2], codes })
    const scorer: CodeScorer = {
      scoreChildren(node, _, scores) {
        scores.set(node === 0 ? [Math.log(0.6), Math.log(0.4)] : [0, 0])
      }
    }

    expect(bestFirstSearch(task({ trie, scorer, excluded: [], width: 1 }))).toMatchObject([
      { item: 2 }
    ])
    expect(beamSearch(task({ trie, scorer, excluded: [], width: 1 }))).toMatchObject([{ item: 0 }])
  })

  test('asks only along the path when the model is certain', () => {
    const codes = Int32Array.from({ length: 27 * 3 }, (_, at) => {
      const [item, level] = [Math.floor(at / 3), at % 3]
      return Math.floor(item / 3 ** (2 - level)) % 3
    })
    const trie = buildTrie({ scheme: 'residual-kmeans', depth: 3, levelSizes: [3, 3, 3], codes })
    const certain = countCalls({
      scoreChildren: (_, __, scores) => {
        scores.set([0, 9, 0])
      }
    })

    const [best] = bestFirstSearch(task({ trie, scorer: certain, excluded: [], width: 1 }))

    expect(best).toMatchObject({ item: 13 })
    expect(certain.calls).toBe(3)
  })
})

function task(facts: {
  readonly trie: ReturnType<typeof buildTrie>
  readonly scorer: CodeScorer
  readonly excluded: readonly number[]
  readonly width: number
}) {
  const { excluded, ...others } = facts
  return { ...others, exclusions: new Exclusions(facts.trie, excluded) }
}
