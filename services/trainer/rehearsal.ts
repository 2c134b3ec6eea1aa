// Rehearsal (SE-DSI, Tang et al. 2023, arXiv 2305.15115, section 4.3): examples that lead from what an
// item is to its ID, beside those that lead from sessions to IDs. The decoder reads session states, so
// an item's metadata vector is stretched to the length of one.
import type { Question } from '#shared/evaluation/evaluate.ts'
import { sampleOf } from './training-set.ts'

/**
 * @param metadataVectors [items, width], without the items' own keys.
 * @param sessions questions whose states show how long a state is; none give no examples.
 * @param count items to rehearse, spread over the catalogue.
 */
export function rehearsalQuestions(
  metadataVectors: Float32Array,
  sessions: readonly Question[],
  count: number
): Question[] {
  const width = sessions[0]?.state.length
  if (count === 0 || width === undefined) return []
  const lengths = sessions.map(({ state }) => Math.hypot(...state))
  const length = lengths.reduce((sum, one) => sum + one, 0) / lengths.length
  const items = Array.from({ length: metadataVectors.length / width }, (_, item) => item)
  return sampleOf(items, count).map(target => {
    const vector = metadataVectors.slice(target * width, (target + 1) * width)
    const factor = length / Math.max(1e-6, Math.hypot(...vector))
    return { clicked: new Int32Array(0), state: vector.map(value => value * factor), target }
  })
}
