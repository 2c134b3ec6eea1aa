// Beam search under the trie: at each level the `width` most probable prefixes are kept and their
// children scored. Nothing that is excluded is ever entered, so if k allowed items exist and the
// beam is at least k wide, k are found: a level is cut only when more than `width` prefixes with
// allowed items are left, and then at least `width` items follow.
import type { Exclusions, Trie } from '#shared/itemids/trie.ts'

/** Scores the next codes of a prefix: the decoder, or in tests anything else. */
export interface CodeScorer {
  /**
   * Writes the unnormalised log probabilities of a node's children, in their order.
   *
   * @param scores at least as long as the node has children.
   */
  scoreChildren(node: number, scores: Float64Array): void
}

/** An item reached by decoding. */
export interface Candidate {
  readonly item: number
  /** Natural logarithm of P(item ID | session). */
  readonly logProbability: number
}

export interface BeamSearch {
  readonly trie: Trie
  readonly scorer: CodeScorer
  readonly exclusions: Exclusions
  /** Prefixes kept at each level, and most items returned. */
  readonly width: number
}

interface Prefix {
  readonly node: number
  readonly logProbability: number
}

/** Items by falling probability; of two equally probable ones, the first in the trie. */
export function beamSearch({ trie, scorer, exclusions, width }: BeamSearch): Candidate[] {
  let beam: Prefix[] = exclusions.allowed(0) > 0 ? [{ node: 0, logProbability: 0 }] : []
  for (let level = 0; level < trie.depth; level++) {
    const children = beam.flatMap(prefix => expand(trie, scorer, prefix))
    beam = children
      .filter(({ node }) => exclusions.allowed(node) > 0)
      .sort((a, b) => b.logProbability - a.logProbability || a.node - b.node)
      .slice(0, width)
  }
  return beam.map(({ node, logProbability }) => ({ item: trie.item[node]!, logProbability }))
}

/** The children of a prefix, their probabilities normalised over all of them, excluded ones too. */
function expand(trie: Trie, scorer: CodeScorer, prefix: Prefix): Prefix[] {
  const count = trie.childCount[prefix.node]!
  const scores = new Float64Array(count)
  scorer.scoreChildren(prefix.node, scores)
  const normaliser = logSumExp(scores)
  const first = trie.firstChild[prefix.node]!
  const children: Prefix[] = []
  for (let c = 0; c < count; c++) {
    const logProbability = prefix.logProbability + scores[c]! - normaliser
    children.push({ node: first + c, logProbability })
  }
  return children
}

export function logSumExp(values: Float64Array): number {
  let largest = Number.NEGATIVE_INFINITY
  for (const value of values) largest = Math.max(largest, value)
  let sum = 0
  for (const value of values) sum += Math.exp(value - largest)
  return largest + Math.log(sum)
}
