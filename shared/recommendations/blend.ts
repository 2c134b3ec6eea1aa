// The score of a candidate: a weighted sum of four shares over all candidates of an answer. That of the
// dense head is a softmax, those of co-visitation, of similarity and of coming back are plain.

/** Fitted on validation, saved in the release. */
export interface Blend {
  /** Share of co-visitation in the score, in [0, 1]. */
  readonly coVisitationWeight: number
  /** Share of similarity, in [0, 1 - coVisitationWeight]. */
  readonly similarityWeight: number
  /** Share of coming back to what was clicked, in what the two others leave. */
  readonly returnWeight: number
  /** What a click counts for in all three, for each click that came after it. */
  readonly clickDecay: number
  /**
   * Added to the logit of a new item, and its similarity counts e^margin times. Training has lifted
   * what was clicked: without a margin known items out-shout new ones even where these fit better.
   */
  readonly newItemMargin: number
}

/** Candidates with all that their scores are made of. */
export interface ScoredCandidates {
  readonly items: readonly number[]
  readonly isNew: readonly boolean[]
  /** The dense head's, without margin. */
  readonly logits: readonly number[]
  /** Sums to one over the candidates, or is zero for all. */
  readonly coVisited: Float64Array
  /** Similarity to the session's clicks, without margin. */
  readonly similar: readonly number[]
  /** By the session's clicks on the item itself. Sums to one over the candidates, or is zero for all. */
  readonly returned: Float64Array
}

/** Each sums to one over the candidates, or is zero for all. */
export interface ScoreParts {
  readonly dense: Float64Array
  readonly coVisited: Float64Array
  readonly similar: Float64Array
  readonly returned: Float64Array
}

export function scoreParts(
  { logits, isNew, coVisited, similar, returned }: ScoredCandidates,
  { newItemMargin }: Pick<Blend, 'newItemMargin'>
): ScoreParts {
  const lift = Math.exp(newItemMargin)
  return {
    dense: softmax(logits.map((logit, i) => (isNew[i] ? logit + newItemMargin : logit))),
    coVisited,
    similar: shares(similar.map((value, i) => (isNew[i] ? value * lift : value))),
    returned
  }
}

/** What each part but the dense head counts for. */
export type PartWeights = Pick<Blend, 'coVisitationWeight' | 'similarityWeight' | 'returnWeight'>

/** What the dense head counts for: what the three others leave. */
export function denseWeight({
  coVisitationWeight,
  similarityWeight,
  returnWeight
}: PartWeights): number {
  return 1 - coVisitationWeight - similarityWeight - returnWeight
}

/** The score of each candidate: its parts by their weights. */
export function sumOfParts(
  { dense, coVisited, similar, returned }: ScoreParts,
  weights: PartWeights
): Float64Array {
  const { coVisitationWeight, similarityWeight, returnWeight } = weights
  const weight = denseWeight(weights)
  const sums = new Float64Array(dense.length)
  for (let i = 0; i < sums.length; i++) {
    sums[i] =
      weight * dense[i]! +
      coVisitationWeight * coVisited[i]! +
      similarityWeight * similar[i]! +
      returnWeight * returned[i]!
  }
  return sums
}

export function blendScores(
  scored: ScoredCandidates,
  blend: Omit<Blend, 'clickDecay'>
): Float64Array {
  return sumOfParts(scoreParts(scored, blend), blend)
}

function softmax(logits: readonly number[]): Float64Array {
  const largest = logits.reduce((most, logit) => Math.max(most, logit), Number.NEGATIVE_INFINITY)
  return shares(logits.map(logit => Math.exp(logit - largest)))
}

/** Scaled to sum to one; all zeros stay zeros. */
export function shares(values: readonly number[]): Float64Array {
  const scaled = Float64Array.from(values)
  let total = 0
  for (const value of values) total += value
  for (let i = 0; i < scaled.length; i++) scaled[i] = total > 0 ? scaled[i]! / total : 0
  return scaled
}
