// What a search asks of the decoder: scores for the next codes of a prefix. In tests and benchmarks
// anything else may answer.
import type { Children } from '#shared/itemids/trie.ts'

export interface CodeScorer {
  /**
   * Writes the unnormalised log probabilities of a node's children: finite numbers, or -Infinity for
   * all but one of them.
   *
   * @param children of the node; at least one.
   * @param scores the first `children.count` are written, in the order of the children.
   */
  scoreChildren(node: number, children: Children, scores: Float64Array): void
}

/** A scorer that also counts how many prefixes it was asked about: the cost of a search. */
export interface CountingScorer extends CodeScorer {
  readonly calls: number
}

export function countCalls(scorer: CodeScorer): CountingScorer {
  let calls = 0
  return {
    scoreChildren(node, children, scores) {
      calls++
      scorer.scoreChildren(node, children, scores)
    },
    get calls() {
      return calls
    }
  }
}
