// Random searches over small catalogues, and the answer that any search must give: found by looking
// at every item.
import fc from 'fast-check'
import type { CodeScorer } from '#shared/inference/code-scorer.ts'
import { logSumExp } from '#shared/inference/prefix.ts'
import type { Candidate } from '#shared/inference/search-task.ts'
import { buildTrie } from '#shared/itemids/build-trie.ts'
import { childAt, childrenOf, noChildren, type Trie } from '#shared/itemids/trie.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { tinyCatalogue } from './tiny-catalogue.ts'

export const randomSearches = fc.record({
  trie: tinyCatalogue().map(buildTrie),
  seed: fc.nat(),
  /** Scores are whole numbers of hundredths up to this: few of them make many ties. */
  spread: fc.constantFrom(0, 1, 3, 1000),
  excluded: fc.array(fc.nat(29), { maxLength: 30 }),
  width: fc.integer({ min: 1, max: 12 })
})

/** Scores for every node drawn once, so that a node asked about twice answers the same. */
export function randomScorer(trie: Trie, seed: number, spread: number): CodeScorer {
  const random = createRandom(seed)
  const scoreOf = Float64Array.from(trie.parent, () => random.integer(spread + 1) / 100)
  return {
    scoreChildren(_, children, scores) {
      for (let c = 0; c < children.count; c++) scores[c] = scoreOf[childAt(children, c)]!
    }
  }
}

/** Every allowed item with the probability of its whole path, the best first. */
export function bruteForce(
  trie: Trie,
  scorer: CodeScorer,
  excluded: readonly number[]
): Candidate[] {
  const logProbabilityOf = (node: number): number => {
    const parent = trie.parent[node]!
    if (parent < 0) return 0
    const children = noChildren()
    trie.readChildren(parent, children)
    const scores = new Float64Array(children.count)
    scorer.scoreChildren(parent, children, scores)
    const place = childrenOf(trie, parent).indexOf(node)
    return logProbabilityOf(parent) + (scores[place]! - logSumExp(scores))
  }
  const items = Array.from(trie.leaf.keys()).filter(item => !excluded.includes(item))
  return items
    .map(item => ({ item, logProbability: logProbabilityOf(trie.leaf[item]!) }))
    .sort((a, b) => b.logProbability - a.logProbability || trie.leaf[a.item]! - trie.leaf[b.item]!)
}
