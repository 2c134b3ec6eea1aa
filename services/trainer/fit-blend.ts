// Fits the final ranking on validation: how much co-visitation, similarity and coming back count beside the
// dense head, how fast a click fades in all three, and by how much new items are lifted.
import type { Question } from '#shared/evaluation/evaluate.ts'
import {
  type Blend,
  denseWeight,
  type PartWeights,
  type ScoredCandidates,
  type ScoreParts,
  scoreParts,
  sumOfParts
} from '#shared/recommendations/blend.ts'
import { generate, type RankingModel, scoreCandidates } from '#shared/recommendations/rank.ts'
import { pretendNew } from './pretend-new.ts'

const tenths = Array.from({ length: 10 }, (_, i) => i / 10)
/** Those that trust the dense head most come first: of equally good settings the first is taken. */
const weights = tenths
  .flatMap(returnWeight =>
    tenths.flatMap(similarityWeight =>
      tenths.map(coVisitationWeight => ({ coVisitationWeight, similarityWeight, returnWeight }))
    )
  )
  .filter(all => tenthsOfDense(all) > 0)
  .sort((a, b) => tenthsOfDense(b) - tenthsOfDense(a)) // stable: then by return, then by similarity
const decays = [0.4, 0.6, 0.8]
const margins = [...Array.from({ length: 21 }, (_, i) => i / 20), 1.25, 1.5, 2]
/** Questions that separate two settings well enough; every nth is taken, so that all days count. */
const enoughQuestions = 2000
/** Share of the catalogue that has to be new to see what new items take from known ones. */
const enoughNew = 0.02
/** Where less is new, every twentieth item is taken for a new one: items are in no order. */
const pretendedEvery = 20
/**
 * One such twentieth after another, and what they cost together: of one alone the margin of the same model
 * was anything from .2 to .5, as a few popular items were among it or not (Beauty, 2026-11).
 */
const pretendedFrom = [3, 7, 11, 15, 19]
/** Of fewer hits one decides what is too much of a loss. */
const enoughHits = 40
/** Where there are fewer. It cost known items 2 % on Beauty with a twentieth new (validation, 2026-11). */
const standardMargin = 0.25

export interface BlendTask {
  readonly questions: readonly Question[]
  readonly repeats: boolean
  /** What known items may lose of their Recall@10 to new ones, as a share. */
  readonly newItemLoss: number
  /** [items, D] of all items, without their own keys. */
  readonly metadataVectors: Float32Array
}

/**
 * The setting with the highest Recall@10 + 2 NDCG@10 on known items, and the largest margin of new ones
 * within the loss: each step up shows more of them, and nothing but the loss speaks against it.
 */
export function fitBlend(model: Unblended, task: BlendTask): Blend {
  const answersAt = answering(model, task)
  const allowed = weights.filter(({ returnWeight }) => task.repeats || returnWeight === 0)
  const settings = decays.flatMap(clickDecay => {
    const answers = partsAt(answersAt(clickDecay), 0)
    return allowed.map(weight => ({ ...weight, clickDecay, gain: gainOf(answers, weight).gain }))
  })
  const { gain: _gain, ...blend } = settings.reduce((best, one) =>
    one.gain > best.gain ? one : best
  )
  return { ...blend, newItemMargin: fitMargin(withNewItems(model, task), task, blend) }
}

/** Whole, since a sum of tenths is not. */
function tenthsOfDense(weights: PartWeights): number {
  return Math.round(10 * denseWeight(weights))
}

/** The model where it has enough new items, or else models that take known items for new ones. */
function withNewItems(model: Unblended, { metadataVectors }: BlendTask): Unblended[] {
  const itemCount = model.byPopularity.length
  if (model.newItems.size >= enoughNew * itemCount) return [model]
  return pretendedFrom.map(first => {
    const items = new Set<number>()
    for (let item = first; item < itemCount; item += pretendedEvery) items.add(item)
    return pretendNew(model, items, metadataVectors)
  })
}

function fitMargin(
  models: readonly Unblended[],
  task: BlendTask,
  blend: Omit<Blend, 'newItemMargin'>
): number {
  const answered = models.map(model => answering(model, task)(blend.clickDecay))
  const hitsAt = (margin: number) =>
    answered.reduce((sum, answers) => sum + gainOf(partsAt(answers, margin), blend).hits, 0)
  const unlifted = hitsAt(0)
  if (unlifted < enoughHits * models.length) return standardMargin
  const least = (1 - task.newItemLoss) * unlifted
  const tooMuch = margins.findIndex(margin => hitsAt(margin) < least)
  return margins.at(tooMuch < 0 ? -1 : tooMuch - 1)!
}

type Unblended = Omit<RankingModel, 'blend'>

/** Answers to the questions that ask for known items, with clicks that fade so fast. */
function answering(model: Unblended, task: BlendTask): (decay: number) => Answer[] {
  const known = task.questions.filter(({ target }) => !model.newItems.has(target))
  const asked = everyNth(known, enoughQuestions).map(question => {
    const excluded = new Set(task.repeats ? [] : question.clicked)
    const generated = generate(model, { state: question.state, excluded, count: 20 })
    return { question, excluded, generated }
  })
  return decay =>
    asked.map(({ question, excluded, generated }) => ({
      target: question.target,
      candidates: scoreCandidates(model, { ...question, excluded, generated, decay })
    }))
}

function everyNth(questions: readonly Question[], count: number): readonly Question[] {
  const step = Math.max(1, Math.floor(questions.length / count))
  return questions.filter((_, i) => i % step === 0)
}

interface Answer {
  readonly target: number
  readonly candidates: ScoredCandidates
}

interface AnswerParts {
  /** Place of the target among the candidates. */
  readonly own: number
  readonly parts: ScoreParts
}

/** Answers whose candidates hold the target: the others gain nothing. */
function partsAt(answers: readonly Answer[], newItemMargin: number): AnswerParts[] {
  return answers
    .map(({ target, candidates }) => ({
      own: candidates.items.indexOf(target),
      parts: scoreParts(candidates, { newItemMargin })
    }))
    .filter(({ own }) => own >= 0)
}

function gainOf(answers: readonly AnswerParts[], weights: PartWeights) {
  let [hits, gain] = [0, 0]
  for (const { own, parts } of answers) {
    const scores = sumOfParts(parts, weights)
    const place = 1 + scores.reduce((above, score) => above + (score > scores[own]! ? 1 : 0), 0)
    if (place > 10) continue
    hits++
    gain += 1 + 2 / Math.log2(1 + place)
  }
  return { hits, gain }
}
