// A prefix of item IDs with its probability: what both searches grow, code by code.
import { childAt, noChildren, type TrieView } from '#shared/itemids/trie.ts'
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
 * Makes the function that hands on the prefixes that are one code longer than a given one and lead to
 * an allowed item. Probabilities are normalised over all children, excluded ones too.
 *
 * None is more probable than the given prefix, rounding included: a score minus the normaliser is
 * never above zero, and to add such a number never rounds upwards past the sum's first part.
 */
export function createExpander({ trie, scorer, exclusions }: SearchTask) {
  const children = noChildren()
  let scores = new Float64Array(64)
  return ({ node, length, logProbability }: Prefix, taker: PrefixTaker): void => {
    trie.readChildren(node, children)
    const { count } = children
    if (count > scores.length) scores = new Float64Array(2 * count)
    // One among one has probability one: what fills short IDs up costs no decoder call.
    if (count === 1) scores[0] = 0
    else if (count > 1) scorer.scoreChildren(node, children, scores)
    const normaliser = logSumExp(scores, count)
    const areAllAllowed = exclusions.allowsAllBelow(node)
    for (let c = 0; c < count; c++) {
      const longer = logProbability + (scores[c]! - normaliser)
      if (longer < taker.floor) continue
      const child = childAt(children, c)
      if (!areAllAllowed && exclusions.allowed(child) === 0) continue
      taker.take({ node: child, length: length + 1, logProbability: longer })
    }
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

/** @param count how many of the values are meant, from the first on. */
export function logSumExp(values: Float64Array, count = values.length): number {
  let largest = Number.NEGATIVE_INFINITY
  for (let i = 0; i < count; i++) largest = Math.max(largest, values[i]!)
  let sum = 0
  for (let i = 0; i < count; i++) sum += Math.exp(values[i]! - largest)
  return largest + Math.log(sum)
}
