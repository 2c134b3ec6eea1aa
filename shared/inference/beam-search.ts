// Beam search under the trie: at each level the `width` most probable prefixes are kept and their
// children scored. Nothing that is excluded is ever entered, so if k allowed items exist and the
// beam is at least k wide, k are found: a level is cut only when more than `width` prefixes with
// allowed items are left, and then at least `width` items follow.
import { comparePrefixes, expandPrefix, rootPrefix } from './prefix.ts'
import type { Candidate, SearchTask } from './search-task.ts'

/** At most `width` items, the best first; exact only when no level had to be cut. */
export function beamSearch(task: SearchTask): Candidate[] {
  const { trie, width } = task
  let beam = rootPrefix(task)
  for (let level = 0; level < trie.depth; level++) {
    beam = beam
      .flatMap(prefix => expandPrefix(task, prefix))
      .sort((a, b) => comparePrefixes(trie, a, b))
      .slice(0, width)
  }
  return beam.map(({ node, logProbability }) => ({ item: trie.itemOf(node), logProbability }))
}
