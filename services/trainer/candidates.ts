// The items that a training step ranks against each other: all that were ever clicked, or, in a
// catalogue too large for that, the step's targets and a sample of the rest.
import type { Random } from '#shared/runtime/random.ts'

export interface Candidates {
  /** Items that the step encodes: the candidates, then items that its sessions only read. */
  readonly items: Int32Array
  /** How many of them are candidates. */
  readonly count: number
  /** [count] chance that an item is among the candidates; absent when all are. */
  readonly inclusion?: Float32Array
  /** Place of an item in `items`. */
  readonly placeOf: (item: number) => number
}

export interface CandidateSource {
  forStep(targets: Int32Array, read: Int32Array): Candidates
}

/**
 * Items without a click in training are no candidates: as negatives they would be learned to be
 * wrong, and never be generated (cold R@10 on Beauty .021 with them, .042 without, prototype).
 *
 * @param clicks [items] in training.
 * @param negatives drawn for each step when more items than `fullSoftmaxItems` were clicked.
 */
export function createCandidates(
  clicks: Int32Array,
  { fullSoftmaxItems, negatives }: { fullSoftmaxItems: number; negatives: number },
  random: Random
): CandidateSource {
  const clicked = Int32Array.from(clicks.keys()).filter(item => clicks[item]! > 0)
  if (clicked.length <= fullSoftmaxItems) {
    const all = { items: clicked, count: clicked.length, placeOf: placesIn(clicked, clicks.length) }
    return { forStep: () => all }
  }
  return sampledCandidates(clicks, clicked, negatives, random)
}

/**
 * Negatives are drawn by the log-uniform law over popularity ranks, P(rank r) = ln((r + 2) / (r + 1)) /
 * ln(I + 1), which is near to how clicks are spread. An item is a candidate when it is drawn or is
 * the target of some click of the batch: the chance of either, as if targets were drawn by popularity.
 */
function sampledCandidates(
  clicks: Int32Array,
  clicked: Int32Array,
  negatives: number,
  random: Random
): CandidateSource {
  const byRank = clicked.slice().sort((a, b) => clicks[b]! - clicks[a]! || a - b)
  const rankOf = new Int32Array(clicks.length)
  byRank.forEach((item, rank) => {
    rankOf[item] = rank
  })
  const all = clicked.reduce((sum, item) => sum + clicks[item]!, 0)
  const logSize = Math.log(byRank.length + 1)
  const draw = () => byRank[Math.floor(Math.exp(random.next() * logSize)) - 1]!
  const inclusionOf = (item: number, targets: number) => {
    const rank = rankOf[item]!
    const drawn = Math.log((rank + 2) / (rank + 1)) / logSize
    return 1 - (1 - drawn) ** negatives * (1 - clicks[item]! / all) ** targets
  }
  return {
    forStep(targets, read) {
      const chosen = new Set(targets)
      for (let n = 0; n < negatives; n++) chosen.add(draw())
      const count = chosen.size
      const inclusion = Float32Array.from(chosen, item => inclusionOf(item, targets.length))
      for (const item of read) chosen.add(item)
      const items = Int32Array.from(chosen)
      const places = new Map(Array.from(items, (item, place) => [item, place]))
      return { items, count, inclusion, placeOf: item => places.get(item) ?? 0 }
    }
  }
}

/** @returns 0 for an item that is not there: what pads a batch. */
function placesIn(items: Int32Array, itemCount: number): (item: number) => number {
  const places = new Int32Array(itemCount)
  items.forEach((item, place) => {
    places[item] = place
  })
  return item => places[item]!
}
