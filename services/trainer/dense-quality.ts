// Quality of the dense head alone on the validation sessions: what an epoch is chosen by.
import * as tf from '@tensorflow/tfjs-core'
import type { Question } from '#shared/evaluation/evaluate.ts'
import type { SessionEncoder } from '#shared/inference/session-encoder.ts'
import { valuesOf } from '#shared/model/weights.ts'
import { encodePrefixes } from '#shared/recommendations/encode-prefixes.ts'
import type { SessionInput } from '#shared/recommendations/session-input.ts'
import type { Asked, TrainingSet } from './training-set.ts'

export interface DenseQuality {
  readonly recallAt10: number
  readonly ndcgAt10: number
  /** What the best epoch is chosen by: Recall@10 + 2 NDCG@10. */
  readonly score: number
}

/** Prefixes of the sessions with the item that came next: every one, or only the longest. */
export function questionsOf(
  encoder: SessionEncoder,
  sessions: readonly SessionInput[],
  asked: Asked
): Question[] {
  const states = encodePrefixes(encoder, sessions)
  const all = sessions.map(({ items }, s) =>
    Array.from(items.subarray(1), (target, n) => ({
      clicked: items.subarray(0, n + 1),
      state: states[s]![n]!,
      target
    }))
  )
  return all.flatMap(questions => (asked === 'every-click' ? questions : questions.slice(-1)))
}

/** Ranks the whole catalogue, clicked items left out where the data says that nobody returns. */
export function denseQuality(encoder: SessionEncoder, set: TrainingSet): DenseQuality {
  const questions = questionsOf(encoder, set.validation, set.asked)
  const sum = { recall: 0, ndcg: 0 }
  for (const place of densePlaces(encoder, questions, set.repeats)) {
    if (place > 10) continue
    sum.recall++
    sum.ndcg += 1 / Math.log2(1 + place)
  }
  const recallAt10 = sum.recall / questions.length
  const ndcgAt10 = sum.ndcg / questions.length
  return { recallAt10, ndcgAt10, score: recallAt10 + 2 * ndcgAt10 }
}

/** Place of each question's target among the whole catalogue, from 1; half places where scores tie. */
export function densePlaces(
  encoder: SessionEncoder,
  questions: readonly Question[],
  repeats: boolean
): number[] {
  const itemCount = encoder.itemVectors.shape[0]
  const rows = Math.max(1, Math.floor((1 << 22) / itemCount))
  const places: number[] = []
  for (let start = 0; start < questions.length; start += rows) {
    const part = questions.slice(start, start + rows)
    const scores = denseScores(encoder, part)
    part.forEach((question, row) => {
      const own = scores.subarray(row * itemCount, (row + 1) * itemCount)
      places.push(placeOf(question, own, repeats))
    })
  }
  return places
}

/** [questions, items] row-major. */
function denseScores({ itemVectors, config }: SessionEncoder, questions: readonly Question[]) {
  const states = new Float32Array(questions.length * config.width)
  questions.forEach(({ state }, row) => {
    states.set(state, row * config.width)
  })
  return valuesOf(() => {
    const stacked = tf.tensor2d(states, [questions.length, config.width])
    return tf.matMul(stacked, itemVectors, false, true)
  })
}

/** Place of the target, from 1; of equal scores half count as before it. */
function placeOf({ clicked, target }: Question, scores: Float32Array, repeats: boolean): number {
  const own = scores[target]!
  if (Number.isNaN(own)) return Number.POSITIVE_INFINITY // weights that are no numbers know nothing
  const left = repeats ? undefined : new Set(clicked)
  let [above, equal] = [0, -1] // the target itself is no rival
  scores.forEach((score, item) => {
    if (left?.has(item) && item !== target) return
    if (score > own) above++
    else if (score === own) equal++
  })
  return 1 + above + equal / 2
}
