// Why items were recommended: the parts of their scores, and what each click of the session did for them.
//
// What a click does for an item is measured in the units of the score, so that it compares:
// - through co-visitation, similarity and coming back, its own term of the item's share, times the weight of that part;
// - through the model, what the item's share in the softmax loses when the session is read without the
//   click (leave one out), the candidates staying the same, times the weight of that part.
// The first ones sum to their part. The second ones do not: two clicks on similar items can each be
// left out without much harm. Below zero, the session speaks more for the item without the click.
//
// An explanation costs the encoding of as many sessions as clicks are explained, and for each item its
// level's worth of decoding. The catalogue may change meanwhile: what was ranked is explained, not what
// a second search would find.
import { rowsByNumber } from '#shared/inference/item-vectors.ts'
import { dot } from '#shared/inference/token-decoder.ts'
import type { Click } from '#shared/sessions/session.ts'
import type { ServedAnswering } from './answer-query.ts'
import { denseWeight, type ScoredCandidates, scoreParts } from './blend.ts'
import { chancesUnder, type PathStep, pathTo } from './explain-path.ts'
import { clickWeights, type Neighbours, neighbourScores } from './neighbours.ts'
import type { RankedItem, RankingModel } from './rank.ts'
import { newestOf, sessionInput } from './session-input.ts'

export interface ScorePart {
  readonly part: 'model' | 'co-visitation' | 'similarity' | 'return' | 'popularity'
  readonly weight: number
  /** Of this part among all candidates. */
  readonly share: number
}

export interface ItemExplanation {
  /** The score is the sum of weight times share. */
  readonly parts: readonly ScorePart[]
  /** The dense head's, without the margin; none where no click was read. */
  readonly logit?: number
  /** What was added to it because the item had no clicks in training. */
  readonly margin?: number
  /** Of the newest clicks, what mattered most first. */
  readonly clicks: readonly ClickShare[]
  /** The codes of the item's ID from the root on; none when the trie does not hold it. */
  readonly path: readonly PathStep[]
}

export interface ClickShare {
  readonly itemKey: string
  /** Of the score: the sum of the next four. */
  readonly share: number
  readonly model: number
  readonly coVisitation: number
  readonly similarity: number
  /** By being a click on the item itself. */
  readonly returned: number
}

/** Clicks explained at most, the newest ones: each is one more session to encode. */
export const explainedClicks = 8

export interface Explained {
  /** [D] of the session, and what was ranked by it; none for popular items. */
  readonly state?: Float32Array | undefined
  readonly scored?: ScoredCandidates | undefined
  /** The session's, oldest first. */
  readonly clicks: readonly Click[]
  /** Each is one of those scored. */
  readonly items: readonly RankedItem[]
}

/** An explanation of each item. */
export async function explainItems(
  model: ServedAnswering,
  { state, scored, clicks, items }: Explained
): Promise<ItemExplanation[]> {
  if (!state || !scored) {
    return items.map(({ item, score }) => ({
      parts: [{ part: 'popularity', weight: 1, share: score }],
      clicks: [],
      path: pathTo(model, item)
    }))
  }
  const { ranking } = model
  // Each is looked up once, before anything is waited for: its item may be forgotten meanwhile.
  const known = clicks.flatMap(click => {
    const item = model.itemIndex.get(click.itemKey)
    return item === undefined ? [] : [{ ...click, item }]
  })
  const terms = clickTerms(ranking, known, scored)
  const statesWithout = await leaveOneOut(model, known)
  const explainClicks = clickExplainer(ranking, { terms, scored, statesWithout })
  const chances = chancesUnder(ranking.decoder, state)
  return items.map(({ item }) => {
    const i = scored.items.indexOf(item)
    return {
      ...partsOf(ranking, scored, i),
      clicks: explainClicks(i),
      path: pathTo(model, item, chances)
    }
  })
}

function partsOf(
  { blend }: RankingModel,
  scored: ScoredCandidates,
  i: number
): Pick<ItemExplanation, 'parts' | 'logit' | 'margin'> {
  const { dense, coVisited, similar, returned } = scoreParts(scored, blend)
  return {
    parts: [
      { part: 'model', weight: denseWeight(blend), share: dense[i]! },
      { part: 'co-visitation', weight: blend.coVisitationWeight, share: coVisited[i]! },
      { part: 'similarity', weight: blend.similarityWeight, share: similar[i]! },
      { part: 'return', weight: blend.returnWeight, share: returned[i]! }
    ],
    logit: scored.logits[i]!,
    ...(scored.isNew[i] && { margin: blend.newItemMargin })
  }
}

interface KnownClick extends Click {
  /** Its number in the release. */
  readonly item: number
}

/** The states of the session without one of its newest clicks, the newest one first; none for a lone click. */
async function leaveOneOut(
  { sessions }: ServedAnswering,
  known: readonly KnownClick[]
): Promise<Float32Array[]> {
  if (known.length < 2) return []
  const itemIndex = new Map(known.map(({ itemKey, item }) => [itemKey, item]))
  const { maxLength, gapBuckets } = sessions.config
  const inputs = newestFirst(known).map(({ place }) => {
    const others = known.filter((_, other) => other !== place)
    return newestOf(sessionInput(others, itemIndex, gapBuckets), maxLength)
  })
  return sessions.encode(inputs)
}

function newestFirst(known: readonly KnownClick[]) {
  return known
    .map((click, place) => ({ click, place, age: known.length - 1 - place }))
    .slice(-explainedClicks)
    .reverse()
}

/** What a click adds by being near candidates, or on them, each by its place among them. */
interface ClickTerms {
  readonly itemKey: string
  /** Shares of co-visitation, of similarity and of coming back. */
  together(i: number): number
  alike(i: number): number
  returned(i: number): number
}

/** Of the clicks that are explained, the newest one first. */
function clickTerms(
  { blend, coVisitation, similarity }: RankingModel,
  known: readonly KnownClick[],
  scored: ScoredCandidates
): ClickTerms[] {
  const clicked = Int32Array.from(known, ({ item }) => item)
  const together = termsOf(coVisitation, { clicked, scored, decay: blend.clickDecay })
  const alike = termsOf(similarity, {
    clicked,
    scored,
    decay: blend.clickDecay,
    liftOfNew: Math.exp(blend.newItemMargin)
  })
  const weights = clickWeights(clicked, blend.clickDecay)
  const total = scored.items.reduce((sum, item) => sum + (weights.get(item) ?? 0), 0)
  return newestFirst(known).map(({ click: { itemKey, item }, place, age }) => ({
    itemKey,
    together: together(place, age),
    alike: alike(place, age),
    returned: i => (scored.items[i] === item ? blend.clickDecay ** age / total : 0)
  }))
}

interface ClickFacts {
  readonly terms: readonly ClickTerms[]
  readonly scored: ScoredCandidates
  /** One for each of the terms; none for a lone click. */
  readonly statesWithout: readonly Float32Array[]
}

/** Explains the clicks for one candidate after another. */
function clickExplainer(
  { blend, vectors, vectorRows = rowsByNumber }: RankingModel,
  { terms, scored, statesWithout }: ClickFacts
): (i: number) => ClickShare[] {
  const { dense } = scoreParts(scored, blend)
  const effects = terms.map((term, n) => {
    const without = statesWithout[n]
    const logits =
      without &&
      scored.items.map(item => dot(without, vectors, vectorRows.of(item) * without.length))
    const denseWithout = logits && scoreParts({ ...scored, logits }, blend).dense
    return { term, denseWithout }
  })
  return i =>
    effects
      .map(({ term, denseWithout }) => {
        // A lone click is all that the model read.
        const model = denseWeight(blend) * (dense[i]! - (denseWithout?.[i] ?? 0))
        const coVisitation = blend.coVisitationWeight * term.together(i)
        const similarity = blend.similarityWeight * term.alike(i)
        const returned = blend.returnWeight * term.returned(i)
        const share = model + coVisitation + similarity + returned
        return { itemKey: term.itemKey, share, model, coVisitation, similarity, returned }
      })
      .sort((a, b) => Math.abs(b.share) - Math.abs(a.share))
}

/** What the click at a place adds to a candidate's share of one kind of nearness. */
function termsOf(
  neighbours: Neighbours,
  {
    clicked,
    scored: { items, isNew },
    decay,
    liftOfNew = 1
  }: {
    readonly clicked: Int32Array
    readonly scored: ScoredCandidates
    readonly decay: number
    readonly liftOfNew?: number
  }
) {
  const liftOf = (i: number) => (isNew[i] ? liftOfNew : 1)
  const valuesOf = (clicks: Int32Array) => {
    const scores = neighbourScores(neighbours, clicks, decay)
    return items.map((item, i) => liftOf(i) * (scores.get(item) ?? 0))
  }
  const total = valuesOf(clicked).reduce((sum, value) => sum + value, 0)
  return (place: number, age: number) => {
    const own = valuesOf(clicked.subarray(place, place + 1))
    return (i: number) => (total > 0 ? (decay ** age * own[i]!) / total : 0)
  }
}
