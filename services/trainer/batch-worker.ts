// The thread of prepared-batches.ts: draws the batches of one epoch for each message.
import { parentPort, workerData } from 'node:worker_threads'
import { createRandom } from '#shared/runtime/random.ts'
import { type Batch, drawBatches, windowsOf } from './batches.ts'
import { openSessions, type SharedSessions } from './shared-sessions.ts'

export interface BatchTask {
  readonly sessions: SharedSessions
  readonly maxLength: number
  readonly clicksPerBatch: number
  readonly seed: number
}

const { sessions, maxLength, clicksPerBatch, seed } = workerData as BatchTask
const windows = windowsOf(openSessions(sessions), maxLength)
const random = createRandom(seed)

parentPort!.on('message', () => {
  const batches = drawBatches(windows, clicksPerBatch, random)
  parentPort!.postMessage(batches, batches.flatMap(buffersOf))
})

/** What moves to the other thread instead of being copied. */
function buffersOf({ items, types, gaps, places, targets }: Batch): ArrayBuffer[] {
  return [items, types, gaps, places, targets].map(({ buffer }) => buffer as ArrayBuffer)
}
