// What is like an item: its own vector takes the place of a session's state. Candidates are what the
// model generates from it under the trie, what was visited together with the item, and the new items
// nearest to it; their order is the cosine between the vectors, which compares across answers.
import { rowsByNumber } from '#shared/inference/item-vectors.ts'
import { dot } from '#shared/inference/token-decoder.ts'
import type { ItemFilter } from '#shared/itemids/item-filter.ts'
import { generate, type RankedItem, type RankingModel, scoreCandidates, sourceOf } from './rank.ts'

export interface SimilarQuestion {
  readonly item: number
  /** Items that must not come; the item itself never does. */
  readonly excluded: Iterable<number>
  /** What all others must pass. */
  readonly filter?: ItemFilter | undefined
  readonly count: number
}

/** The `count` most similar of the candidates, or as many as may be shown. Scores lie in [-1, 1]. */
export function rankSimilar(model: RankingModel, question: SimilarQuestion): RankedItem[] {
  const { item, filter, count } = question
  const { vectors, vectorRows = rowsByNumber, blend } = model
  const { width } = model.decoder.shared
  const vectorOf = (other: number) => {
    const row = vectorRows.of(other)
    return vectors.subarray(row * width, (row + 1) * width)
  }
  const state = vectorOf(item).slice()
  const excluded = new Set(question.excluded).add(item)
  const generated = new Set(generate(model, { state, excluded, filter, count }))
  const scored = scoreCandidates(model, {
    state,
    clicked: Int32Array.of(item),
    excluded,
    filter,
    generated,
    decay: blend.clickDecay
  })
  const length = lengthOf(state)
  const cosineOf = (other: number, logit: number) => {
    const product = length * lengthOf(vectorOf(other))
    return product > 0 ? Math.min(1, Math.max(-1, logit / product)) : 0
  }
  return scored.items
    .map((other, i) => ({
      item: other,
      score: cosineOf(other, scored.logits[i]!),
      source: sourceOf(scored, i, generated)
    }))
    .sort((a, b) => b.score - a.score || a.item - b.item)
    .slice(0, count)
}

function lengthOf(vector: Float32Array): number {
  return Math.sqrt(dot(vector, vector, 0))
}
