// Batches of the next epoch, drawn by a thread of their own while the steps of this one run: a step blocks
// the thread that takes it.
import type { SessionInput } from '#shared/recommendations/session-input.ts'
import { workerFailed } from '#shared/recommendations/worker-failed.ts'
import { startWorker } from '#shared/runtime/workers.ts'
import type { BatchTask } from './batch-worker.ts'
import type { Batch } from './batches.ts'
import { shareSessions } from './shared-sessions.ts'

export interface PreparedBatches {
  /** Number of batches, the same in every epoch. */
  readonly perEpoch: number
  /**
   * The batches of the next epoch; those of the one after are drawn from now on.
   *
   * @throws RecommenderError WORKER_FAILED
   */
  next(): Promise<readonly Batch[]>
  /** Ends the thread; what is asked for then fails. */
  close(): Promise<void>
}

// The bundler (deploy/bundle.ts) changes the name to that of its own file.
const batchWorker = new URL('./batch-worker.ts', import.meta.url)

interface Owed {
  resolve(batches: readonly Batch[]): void
  reject(error: Error): void
}

/**
 * Epoch by epoch what drawBatches gives for this seed. Resolves when the first epoch is drawn.
 *
 * @throws RecommenderError WORKER_FAILED
 */
export async function prepareBatches(
  sessions: readonly SessionInput[],
  { maxLength, clicksPerBatch }: Pick<BatchTask, 'maxLength' | 'clicksPerBatch'>,
  seed: number
): Promise<PreparedBatches> {
  const task: BatchTask = { sessions: shareSessions(sessions), maxLength, clicksPerBatch, seed }
  const worker = startWorker(batchWorker, task)
  const owed: Owed[] = [] // in the order in which they were asked for
  let fault: Error | undefined

  worker.on('message', (batches: Batch[]) => owed.shift()!.resolve(batches))
  worker.on('error', cause =>
    lose(workerFailed(`the thread that draws batches failed: ${cause.message}`, cause))
  )
  worker.on('exit', () => lose(workerFailed('the thread that draws batches ended')))

  let ahead = draw()
  const { length: perEpoch } = await ahead
  return {
    perEpoch,
    next() {
      const drawn = ahead
      ahead = draw()
      return drawn
    },
    async close() {
      await worker.terminate()
    }
  }

  function draw(): Promise<readonly Batch[]> {
    const drawn = new Promise<readonly Batch[]>((resolve, reject) => {
      if (fault) return reject(fault)
      owed.push({ resolve, reject })
      worker.postMessage('draw')
    })
    drawn.catch(() => undefined) // told to the one who takes it, if anybody does
    return drawn
  }

  function lose(error: Error): void {
    fault ??= error
    for (const { reject } of owed.splice(0)) reject(fault)
  }
}
