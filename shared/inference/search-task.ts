// What both searches are asked and what they answer, so that one can stand in for the other.
import type { Exclusions } from '#shared/itemids/exclusions.ts'
import type { TrieView } from '#shared/itemids/trie.ts'
import type { CodeScorer } from './code-scorer.ts'

export interface SearchTask {
  readonly trie: TrieView
  readonly scorer: CodeScorer
  readonly exclusions: Exclusions
  /** Most items returned; of beam search also the prefixes kept at each level. */
  readonly width: number
}

/**
 * An item reached by decoding. A search gives them by falling probability, and of two equally
 * probable ones first the one whose ID comes first in the trie, code by code.
 */
export interface Candidate {
  readonly item: number
  /** Natural logarithm of P(item ID | session). */
  readonly logProbability: number
}
