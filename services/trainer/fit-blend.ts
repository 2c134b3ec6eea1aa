// Fits the final ranking on validation: how much co-visitation counts beside the dense head, how fast
// a click fades in it, and by how much new items are lifted.
import type { Question } from '#shared/evaluation/evaluate.ts'
import {
  type Blend,
  blendScores,
  generate,
  type RankingModel,
  type ScoredCandidates,
  scoreCandidates
} from '#shared/recommendations/rank.ts'

const weights = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
const decays = [0.4, 0.6, 0.8]
const margins = [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 5, 6]
/** Questions that separate two settings well enough; every nth is taken, so that all days count. */
const enoughQuestions = 2000
/** New items' margin is fitted where so many questions ask for one. */
const enoughNew = 50
/** Where they do not. It cost known items 2 % of their Recall@10 on Beauty (validation, recipe 2026-11). */
const standardMargin = 0.5

export interface BlendTask {
  readonly questions: readonly Question[]
  readonly repeats: boolean
  /** What known items may lose of their Recall@10 to new ones, as a share. */
  readonly newItemLoss: number
}

/** The setting with the highest Recall@10 + 2 NDCG@10; the margin that serves new items best within the loss. */
export function fitBlend(model: Omit<RankingModel, 'blend'>, task: BlendTask): Blend {
  const { newItems } = model
  const ask = (questions: readonly Question[]) =>
    everyNth(questions, enoughQuestions).map(question => ({
      question,
      excluded: new Set(task.repeats ? [] : question.clicked),
      generated: generate(model, {
        state: question.state,
        excluded: new Set(task.repeats ? [] : question.clicked),
        count: 20
      })
    }))
  const known = ask(task.questions.filter(({ target }) => !newItems.has(target)))
  const scored = (asked: typeof known, decay: number) =>
    asked.map(({ question, excluded, generated }) => ({
      target: question.target,
      candidates: scoreCandidates(model, { ...question, excluded, generated, decay })
    }))

  const settings = decays.flatMap(decay => {
    const answers = scored(known, decay)
    return weights.map(weight => ({
      coVisitationDecay: decay,
      coVisitationWeight: weight,
      gain: gainOf(answers, { coVisitationWeight: weight, newItemMargin: 0 }).gain
    }))
  })
  const { gain: _gain, ...blend } = settings.reduce((best, one) =>
    one.gain > best.gain ? one : best
  )
  const fresh = ask(task.questions.filter(({ target }) => newItems.has(target)))
  if (fresh.length < enoughNew) return { ...blend, newItemMargin: standardMargin }
  const [ofKnown, ofNew] = [known, fresh].map(asked => scored(asked, blend.coVisitationDecay))
  const hitsAt = (answers: typeof ofKnown, newItemMargin: number) =>
    gainOf(answers!, { ...blend, newItemMargin }).hits
  const least = (1 - task.newItemLoss) * hitsAt(ofKnown, 0)
  const allowed = margins.filter(margin => hitsAt(ofKnown, margin) >= least)
  const newItemMargin = allowed.reduce((best, margin) =>
    hitsAt(ofNew, margin) > hitsAt(ofNew, best) ? margin : best
  )
  return { ...blend, newItemMargin }
}

function everyNth(questions: readonly Question[], count: number): readonly Question[] {
  const step = Math.max(1, Math.floor(questions.length / count))
  return questions.filter((_, i) => i % step === 0)
}

interface Answer {
  readonly target: number
  readonly candidates: ScoredCandidates
}

function gainOf(answers: readonly Answer[], blend: Omit<Blend, 'coVisitationDecay'>) {
  let [hits, gain] = [0, 0]
  for (const { target, candidates } of answers) {
    const own = candidates.items.indexOf(target)
    if (own < 0) continue
    const scores = blendScores(candidates, blend)
    const place = 1 + scores.filter(score => score > scores[own]!).length
    if (place > 10) continue
    hits++
    gain += 1 + 2 / Math.log2(1 + place)
  }
  return { hits, gain }
}
