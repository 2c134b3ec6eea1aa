// Fits the final ranking on validation: how much co-visitation counts beside the dense head, and how
// fast a click fades in it.
import type { Question } from '#shared/evaluation/evaluate.ts'
import { type Blend, candidates, type RankingModel } from '#shared/recommendations/rank.ts'

const weights = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
const decays = [0.4, 0.6, 0.8]
/** Questions that separate two settings well enough; every nth is taken, so that all days count. */
const enoughQuestions = 2000

/** The setting with the highest Recall@10 + 2 NDCG@10. */
export function fitBlend(
  model: Omit<RankingModel, 'blend'>,
  questions: readonly Question[],
  repeats: boolean
): Blend {
  const step = Math.max(1, Math.floor(questions.length / enoughQuestions))
  const asked = questions.filter((_, i) => i % step === 0)
  const gains = decays.map(decay => {
    const sums = weights.map(() => 0)
    for (const question of asked) {
      const places = targetPlaces(model, question, decay, repeats)
      places.forEach((place, w) => {
        if (place <= 10) sums[w]! += 1 + 2 / Math.log2(1 + place)
      })
    }
    return sums
  })
  const best = Math.max(...gains.flat())
  const d = gains.findIndex(sums => sums.includes(best))
  return {
    coVisitationDecay: decays[d]!,
    coVisitationWeight: weights[gains[d]!.indexOf(best)]!
  }
}

/** Place of the target under each weight; Infinity where it is no candidate. */
function targetPlaces(
  model: Omit<RankingModel, 'blend'>,
  { state, clicked, target }: Question,
  decay: number,
  repeats: boolean
): number[] {
  const excluded = new Set(repeats ? [] : clicked)
  const { items, dense, coVisited } = candidates(model, {
    state,
    clicked,
    excluded,
    count: 20,
    decay
  })
  const own = items.indexOf(target)
  return weights.map(weight => {
    if (own < 0) return Number.POSITIVE_INFINITY
    const score = (i: number) => (1 - weight) * dense[i]! + weight * coVisited[i]!
    return 1 + items.filter((_, i) => score(i) > score(own)).length
  })
}
