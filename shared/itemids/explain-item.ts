// Says in words what an item ID stands for: the items below each of its prefixes, what is said of them
// more often than of others, and which items are its neighbours in the trie.
import type { Item } from '#shared/catalog/item.ts'
import { wordsOf } from '#shared/catalog/words.ts'
import type { Scheme } from './item-ids.ts'
import { codeName } from './read-path.ts'
import { isFilledUp, nothingMore, type Reading } from './scheme.ts'
import { childrenOf, codesOf, type TrieView } from './trie.ts'

export interface ExplainedCatalogue {
  readonly items: readonly Item[]
  readonly trie: TrieView
  /** [items] what makes an item worth naming first. */
  readonly clicks: Int32Array
  readonly scheme: Scheme
  readonly reading: Reading
}

export interface ItemExplanation {
  readonly codes: readonly number[]
  /** One for each code. */
  readonly steps: readonly CodeExplanation[]
  /** The nearest items in the trie, those of the deepest common prefix first. */
  readonly neighbours: readonly Neighbour[]
}

export interface CodeExplanation {
  readonly code: number
  /** What the code itself says; undefined where it is but a number. */
  readonly name: string | undefined
  /** Items that have this and all codes before it. */
  readonly items: number
  /** What is said of them more often than of the catalogue. */
  readonly words: readonly string[]
  /** The most clicked of them. */
  readonly examples: readonly string[]
}

export interface Neighbour {
  readonly key: string
  /** Codes that it shares with the item. */
  readonly sharedCodes: number
}

const [shownWords, shownItems, shownNeighbours] = [4, 4, 8]
/** Values of more words are taken apart. */
const longestTerm = 3

/** Undefined when the trie does not hold the item. */
export function explainItem(
  catalogue: ExplainedCatalogue,
  item: number
): ItemExplanation | undefined {
  const { trie } = catalogue
  const leaf = trie.leafOf(item)
  if (leaf < 0) return undefined
  const path: number[] = []
  for (let node = leaf; node > 0; node = trie.parentOf(node)) path.unshift(node)
  const termCounts = countTerms(catalogue, Array.from(catalogue.items.keys()))
  const steps = path.map((node, level) => explainNode(catalogue, { node, level, termCounts }))
  return { codes: codesOf(trie, leaf), steps, neighbours: neighboursOf(catalogue, path, item) }
}

/** What the last code of a node's prefix stands for. @param place its level is 0 below the root. */
function explainNode(
  catalogue: ExplainedCatalogue,
  place: { node: number; level: number; termCounts: ReadonlyMap<string, number> }
): CodeExplanation {
  const { trie, scheme, reading } = catalogue
  const { node, level, termCounts } = place
  const below = itemsBelow(trie, node)
  const code = trie.codeOf(node)
  const isFilling = code === nothingMore && isFilledUp(scheme)
  const isLast = level === trie.depth - 1
  return {
    code,
    name: isLast ? undefined : isFilling ? 'nothing more' : codeName(reading, level, code),
    items: below.length,
    words: isLast ? [] : typicalTerms(catalogue, below, termCounts),
    examples: byClicks(catalogue, below).slice(0, shownItems)
  }
}

/** A prefix of item IDs in words. */
export interface PrefixExplanation extends Omit<CodeExplanation, 'code'> {
  readonly codes: readonly number[]
}

/** All prefixes that are no whole item ID, level by level. Reads each item once for each level. */
export function explainPrefixes(catalogue: ExplainedCatalogue): PrefixExplanation[] {
  const { trie } = catalogue
  const termCounts = countTerms(catalogue, Array.from(catalogue.items.keys()))
  const found: PrefixExplanation[] = []
  let nodes = childrenOf(trie, 0)
  for (let level = 0; level < trie.depth - 1; level++) {
    for (const node of nodes) {
      const { code: _, ...step } = explainNode(catalogue, { node, level, termCounts })
      found.push({ codes: codesOf(trie, node), ...step })
    }
    nodes = nodes.flatMap(node => childrenOf(trie, node))
  }
  return found
}

function neighboursOf(
  catalogue: ExplainedCatalogue,
  path: readonly number[],
  item: number
): Neighbour[] {
  const found = new Map<number, number>()
  for (let shared = path.length - 1; shared >= 0 && found.size < shownNeighbours; shared--) {
    const below = itemsBelow(catalogue.trie, shared === 0 ? 0 : path[shared - 1]!)
    const near = below.filter(other => other !== item && !found.has(other))
    for (const other of sortedByClicks(catalogue, near)) {
      if (found.size < shownNeighbours) found.set(other, shared)
    }
  }
  return [...found].map(([other, sharedCodes]) => ({
    key: catalogue.items[other]!.key,
    sharedCodes
  }))
}

export function itemsBelow(trie: TrieView, node: number): number[] {
  const item = trie.itemOf(node)
  if (item >= 0) return [item]
  return childrenOf(trie, node).flatMap(child => itemsBelow(trie, child))
}

function byClicks(catalogue: ExplainedCatalogue, items: readonly number[]): string[] {
  return sortedByClicks(catalogue, items).map(item => catalogue.items[item]!.key)
}

function sortedByClicks({ clicks }: ExplainedCatalogue, items: readonly number[]): number[] {
  return items.toSorted((a, b) => clicks[b]! - clicks[a]! || a - b)
}

/** The terms that tell most: n log(share below / share of all), n times that it is said. */
function typicalTerms(
  catalogue: ExplainedCatalogue,
  below: readonly number[],
  everywhere: ReadonlyMap<string, number>
): string[] {
  const all = catalogue.items.length
  const tells = ([term, count]: readonly [string, number]) =>
    count * Math.log((count * all) / (below.length * everywhere.get(term)!))
  return [...countTerms(catalogue, below)]
    .map(entry => ({ term: entry[0], tells: tells(entry) }))
    .filter(({ tells }) => tells > 0)
    .sort((a, b) => b.tells - a.tells || (a.term < b.term ? -1 : 1))
    .slice(0, shownWords)
    .map(({ term }) => term)
}

function countTerms({ items }: ExplainedCatalogue, chosen: readonly number[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const item of chosen) {
    for (const term of termsOf(items[item]!)) counts.set(term, (counts.get(term) ?? 0) + 1)
  }
  return counts
}

/** Short values as they are, the words of longer ones; nothing without a letter, as numbers. */
function termsOf({ attributes }: Item): Set<string> {
  const values = Object.values(attributes).flatMap(value =>
    typeof value === 'object' ? value : typeof value === 'string' ? [value] : []
  )
  const terms = values.flatMap(value => {
    const words = wordsOf(value)
    return words.length > longestTerm ? words : [value.toLowerCase()]
  })
  return new Set(terms.filter(term => /\p{L}/u.test(term)))
}
