// Fits the final ranking on validation: how much co-visitation counts beside the dense head, and how
// fast a click fades in it.
import type { Question } from '#shared/evaluation/evaluate.ts'
import {
  type Blend,
  generate,
  type RankingModel,
  type ScoredCandidates,
  scoreCandidates
} from '#shared/recommendations/rank.ts'

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
  const gains = decays.map(() => weights.map(() => 0))
  for (const question of asked) {
    const excluded = new Set(repeats ? [] : question.clicked)
    const generated = generate(model, { state: question.state, excluded, count: 20 })
    decays.forEach((decay, d) => {
      const scored = scoreCandidates(model, { ...question, excluded, generated, decay })
      targetPlaces(scored, question.target).forEach((place, w) => {
        if (place <= 10) gains[d]![w]! += 1 + 2 / Math.log2(1 + place)
      })
    })
  }
  const best = Math.max(...gains.flat())
  const d = gains.findIndex(sums => sums.includes(best))
  return {
    coVisitationDecay: decays[d]!,
    coVisitationWeight: weights[gains[d]!.indexOf(best)]!
  }
}

/** Place of the target under each weight; Infinity where it is no candidate. */
function targetPlaces({ items, dense, coVisited }: ScoredCandidates, target: number): number[] {
  const own = items.indexOf(target)
  return weights.map(weight => {
    if (own < 0) return Number.POSITIVE_INFINITY
    const score = (i: number) => (1 - weight) * dense[i]! + weight * coVisited[i]!
    return 1 + items.filter((_, i) => score(i) > score(own)).length
  })
}
