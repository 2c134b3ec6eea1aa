// A prefix of item IDs with its probability: what both searches grow, code by code.
import type { TrieView } from '#shared/itemids/trie.ts'
import type { SearchTask } from './search-task.ts'

export interface Prefix {
  readonly node: number
  /** Codes of the prefix. */
  readonly length: number
  readonly logProbability: number
}

/** The empty prefix; nothing when no item may be shown. */
export function rootPrefix({ exclusions }: SearchTask): Prefix[] {
  return exclusions.allowed(0) > 0 ? [{ node: 0, length: 0, logProbability: 0 }] : []
}

/** What becomes of the prefixes that a search finds. */
export interface PrefixTaker {
  /** Prefixes less probable than this are of no use just now: they are not looked at any further. */
  readonly floor: number
  take(prefix: Prefix): void
}

/**
 * Hands on the prefixes that are one code longer and lead to an allowed item. Probabilities are
 * normalised over all children, excluded ones too.
 *
 * None is more probable than `prefix`, rounding included: a score minus the normaliser is never
 * above zero, and to add such a number never rounds upwards past the sum's first part.
 */
export function expandPrefix(
  { trie, scorer, exclusions }: SearchTask,
  { node, length, logProbability }: Prefix,
  taker: PrefixTaker
): void {
  const children = trie.childrenOf(node)
  const scores = new Float64Array(children.length)
  // One among one has probability one: what fills short IDs up costs no decoder call.
  if (children.length > 1) scorer.scoreChildren(node, children, scores)
  const normaliser = logSumExp(scores)
  for (let c = 0; c < children.length; c++) {
    const longer = logProbability + (scores[c]! - normaliser)
    if (longer < taker.floor || exclusions.allowed(children[c]!) === 0) continue
    taker.take({ node: children[c]!, length: length + 1, logProbability: longer })
  }
}

/**
 * Negative when `a` comes first: the more probable one, or of equally probable ones the first in the
 * trie. A prefix comes before its own completions.
 */
export function comparePrefixes(trie: TrieView, a: Prefix, b: Prefix): number {
  return b.logProbability - a.logProbability || compareNodes(trie, a, b)
}

function compareNodes(trie: TrieView, a: Prefix, b: Prefix): number {
  let [left, right] = [a.node, b.node]
  for (let level = a.length; level > b.length; level--) left = trie.parentOf(left)
  for (let level = b.length; level > a.length; level--) right = trie.parentOf(right)
  if (left === right) return a.length - b.length
  while (trie.parentOf(left) !== trie.parentOf(right)) {
    left = trie.parentOf(left)
    right = trie.parentOf(right)
  }
  return trie.codeOf(left) - trie.codeOf(right)
}

export function logSumExp(values: Float64Array): number {
  let largest = Number.NEGATIVE_INFINITY
  for (const value of values) largest = Math.max(largest, value)
  let sum = 0
  for (const value of values) sum += Math.exp(value - largest)
  return largest + Math.log(sum)
}
