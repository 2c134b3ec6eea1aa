// A shop small enough to train on in seconds and regular enough to be learned: its items stand in
// rings, and a visitor goes from an item to the next one of its ring.
import type { SettledRecipe } from '#services/trainer/config.ts'
import type { Item } from '#shared/catalog/item.ts'
import type { Event } from '#shared/events/event.ts'
import { createRandom } from '#shared/runtime/random.ts'

const rings = 8
const places = 6

export const shopItems: readonly Item[] = Array.from({ length: rings * places }, (_, i) => {
  const [ring, place] = [Math.floor(i / places), i % places]
  return {
    key: `r${ring}-${place}`,
    attributes: { categories: ['shop', `ring ${ring}`], colour: `colour ${place}`, price: 5 + i },
    isVisible: true
  }
})

export interface ShopTraffic {
  readonly days: number
  readonly sessionsPerDay: number
  /** Another seed, other visitors. */
  readonly seed: number
}

/** Clicks from the first of January 2026 on. Nine times of ten the next item of the ring follows. */
export function shopEvents({ days, sessionsPerDay, seed }: ShopTraffic): Event[] {
  const random = createRandom(seed)
  return Array.from({ length: days * sessionsPerDay }, (_, s) => {
    const morning = Date.UTC(2026, 0, 1 + Math.floor(s / sessionsPerDay), 8)
    return walk(`s${s}`, morning + random.integer(8 * 3_600_000))
  }).flat()

  function walk(sessionId: string, startedAt: number): Event[] {
    let item = random.integer(shopItems.length)
    let at = startedAt
    return Array.from({ length: 3 + random.integer(3) }, (_, n) => {
      if (n > 0) item = random.next() < 0.9 ? nextOf(item) : random.integer(shopItems.length)
      at += 1000 * (5 + random.integer(60))
      return {
        id: `${sessionId}-${n}`,
        type: 'click',
        sessionId,
        itemKey: shopItems[item]!.key,
        occurredAt: new Date(at),
        properties: {}
      }
    })
  }
}

function nextOf(item: number): number {
  const ring = Math.floor(item / places)
  return ring * places + ((item + 1) % places)
}

/** Learns the rings in a second of WebAssembly. */
export const smallRecipe: SettledRecipe = {
  width: 16,
  rowWidth: 8,
  blocks: 1,
  heads: 2,
  maxLength: 4, // shorter than some sessions, so that those are cut too
  gapBuckets: 8,
  tableBytes: 1 << 17,
  chunks: {},
  epochs: 4,
  clicksPerBatch: 128,
  learningRate: 0.02,
  dropout: 0.1,
  keyDropout: 0.1,
  categoryLossWeight: 0.1,
  pooling: 'last',
  fullSoftmaxItems: 50_000,
  negatives: 32,
  optimizer: { beta1: 0.9, beta2: 0.98, weightDecay: 0.01, clipNorm: 5 },
  scheme: 'residual-kmeans',
  newItemLoss: 0.025,
  rehearsedItems: 0,
  decoderSessions: 200,
  decoderEpochs: 1,
  decoderLearningRate: 0.002
}
