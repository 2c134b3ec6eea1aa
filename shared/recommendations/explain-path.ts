// The way that the search takes to an item: the codes of its ID, how probable each was, and what it stands for.
import { logSumExp } from '#shared/inference/prefix.ts'
import { decodeSession, type TokenDecoder } from '#shared/inference/token-decoder.ts'
import { childrenOf, codesOf, noChildren } from '#shared/itemids/trie.ts'
import type { ServedAnswering } from './answer-query.ts'

export interface PathStep {
  readonly code: number
  /** Of the code after those before it; none where nothing was generated. */
  readonly probability?: number
  /** What the code itself says, where it does. */
  readonly name?: string
  /** Items that have this and all codes before it. */
  readonly items: number
  /** What is said of these items more often than of others; none where the release does not tell. */
  readonly words: readonly string[]
  /** The most clicked of them. */
  readonly examples: readonly string[]
}

/** The log probabilities of a node's children, in their order; each node is scored once. */
export type ChancesUnder = (node: number) => Float64Array

export function chancesUnder(decoder: TokenDecoder, state: Float32Array): ChancesUnder {
  const scorer = decodeSession(decoder, state)
  const known = new Map<number, Float64Array>()
  return node => {
    const found = known.get(node)
    if (found) return found
    const children = noChildren()
    decoder.trie.readChildren(node, children)
    const scores = new Float64Array(children.count)
    if (children.count > 1) scorer.scoreChildren(node, children, scores)
    const normaliser = logSumExp(scores)
    const chances = scores.map(score => score - normaliser)
    known.set(node, chances)
    return chances
  }
}

/** From the root to an item; empty when the trie does not hold it. */
export function pathTo(
  { ranking, keyOf, idWords }: ServedAnswering,
  item: number,
  chances?: ChancesUnder
): PathStep[] {
  const { trie } = ranking.decoder
  const steps: PathStep[] = []
  for (let node = trie.leafOf(item); node > 0; node = trie.parentOf(node)) {
    const parent = trie.parentOf(node)
    const place = childrenOf(trie, parent).indexOf(node)
    const said = idWords?.(codesOf(trie, node))
    steps.unshift({
      code: trie.codeOf(node),
      ...(chances && { probability: Math.exp(chances(parent)[place]!) }),
      ...(said?.name !== undefined && { name: said.name }),
      items: trie.itemCountOf(node),
      words: said?.words ?? [],
      examples: trie.itemOf(node) >= 0 ? [keyOf(item)] : (said?.examples ?? [])
    })
  }
  return steps
}
