// Exact search under the trie. A prefix is at least as probable as each of its completions, so the
// most probable prefix known is a bound for all that is not yet known: when it is a whole item ID, no
// other item can be better. It is then the next answer; otherwise it is expanded (A* with a bound of
// one for the rest; Dijkstra's algorithm over -log P).
//
// Equal probabilities are taken in the order of the trie, a prefix before its completions. An item
// that comes out is therefore also the first in the trie of all that are equally probable: those
// before it lie below prefixes that came out, and were expanded, before it did.
//
// The price of exactness is that nothing bounds the work but the number of inner nodes: where the
// model is unsure, thousands of prefixes are more probable than any item. README.md has counts.
import {
  comparePrefixes,
  createExpander,
  type Prefix,
  type PrefixTaker,
  rootPrefix
} from './prefix.ts'
import { createPriorityQueue } from './priority-queue.ts'
import type { Candidate, SearchTask } from './search-task.ts'

/** The `width` most probable allowed items, or all there are, the best first. */
export function bestFirstSearch(task: SearchTask): Candidate[] {
  const { trie, width } = task
  const expand = createExpander(task)
  const open = createOpenList(task)
  for (const root of rootPrefix(task)) open.take(root)
  const found: Candidate[] = []
  while (found.length < width) {
    const best = open.pop()
    if (!best) break
    if (best.length < trie.depth) expand(best, open)
    else found.push({ item: trie.itemOf(best.node), logProbability: best.logProbability })
  }
  return found
}

/**
 * The prefixes not yet looked into. As soon as `width` whole IDs are known, nothing less probable
 * than the last of them can be among the answers, and is not taken.
 */
function createOpenList({ trie, width }: SearchTask): PrefixTaker & { pop(): Prefix | undefined } {
  const open = createPriorityQueue<Prefix>((a, b) => comparePrefixes(trie, a, b))
  const whole = createPriorityQueue<number>((a, b) => a - b) // the `width` best, the last one first
  let floor = Number.NEGATIVE_INFINITY
  return {
    get floor() {
      return floor
    },
    take(prefix) {
      open.push(prefix)
      if (prefix.length < trie.depth) return
      whole.push(prefix.logProbability)
      if (whole.size > width) whole.pop()
      if (whole.size === width) floor = whole.first!
    },
    pop: open.pop
  }
}
