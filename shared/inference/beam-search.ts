// Beam search under the trie: at each level the `width` most probable prefixes are kept and their
// children scored. Nothing that is excluded is ever entered, so if k allowed items exist and the
// beam is at least k wide, k are found: a level is cut only when more than `width` prefixes with
// allowed items are left, and then at least `width` items follow.
import {
  comparePrefixes,
  createExpander,
  type Prefix,
  type PrefixTaker,
  rootPrefix
} from './prefix.ts'
import { createPriorityQueue } from './priority-queue.ts'
import type { Candidate, SearchTask } from './search-task.ts'

/** At most `width` items, the best first; exact only when no level had to be cut. */
export function beamSearch(task: SearchTask): Candidate[] {
  const { trie } = task
  if (task.width < 1) return []
  const expand = createExpander(task)
  let beam = rootPrefix(task)
  for (let level = 0; level < trie.depth; level++) {
    const kept = createShortlist(task)
    for (const prefix of beam) expand(prefix, kept)
    beam = kept.prefixes()
  }
  return beam.map(({ node, logProbability }) => ({ item: trie.itemOf(node), logProbability }))
}

/** Keeps the `width` best of what it takes: of thousands most are refused by one comparison. */
function createShortlist({ trie, width }: SearchTask): PrefixTaker & { prefixes(): Prefix[] } {
  const kept = createPriorityQueue<Prefix>((a, b) => comparePrefixes(trie, b, a)) // worst first
  let floor = Number.NEGATIVE_INFINITY
  return {
    get floor() {
      return floor
    },
    take(prefix) {
      kept.push(prefix)
      if (kept.size > width) kept.pop()
      if (kept.size === width) floor = kept.first!.logProbability
    },
    prefixes() {
      const prefixes: Prefix[] = []
      for (let worst = kept.pop(); worst; worst = kept.pop()) prefixes.push(worst)
      return prefixes.reverse()
    }
  }
}
