// The thread that keeps a release's items up with the catalogue (living-items.ts), as the thread sees it
// that reads the catalogue: questions and answers.
import type { Worker } from 'node:worker_threads'
import type { Item } from '#shared/catalog/item.ts'
import type { ReaderSeat } from '#shared/itemids/trie-reader.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { startWorker } from '#shared/runtime/workers.ts'
import { openAddedKeys } from './added-keys.ts'
import type { Placed, Placement } from './id-registry.ts'
import type { ItemIndex } from './item-keys.ts'
import type {
  LivingFault,
  LivingReply,
  LivingRequest,
  LivingTask,
  NumberedRequest
} from './living-worker.ts'
import { workerFailed } from './worker-failed.ts'

/**
 * Brings changes of the catalogue to a release that answers. What is asked fails with ITEM_INVALID where an
 * item cannot be taken in, and with another code, mostly WORKER_FAILED, where it is not the item's fault:
 * asked once more it may succeed, unless the thread is gone.
 */
export interface LivingCatalogue {
  /** The catalogue's version that training has read: what came after it is news. */
  readonly trainedVersion: number
  /** Whether the item has an ID, shown or not. */
  hasId(key: string): boolean
  /** The number of the next item that is placed. */
  nextNumber(): number
  /** Items that came later, and how many may come. */
  added(): number
  readonly room: number
  /** Hides items; unknown keys change nothing. */
  hide(keys: readonly string[]): Promise<void>
  /** Gives items IDs that were kept, in the order of their numbers. @returns how many found room. */
  adopt(placements: readonly Placement[]): Promise<number>
  /** Finds IDs for new items; nothing changes. */
  place(items: readonly Item[]): Promise<Placed>
  /** Reads items anew: their vectors, and whether they are shown. */
  update(items: readonly Item[]): Promise<void>
}

// The bundler (deploy/bundle.ts) changes the name to that of its own file.
const livingWorker = new URL('./living-worker.ts', import.meta.url)

interface Owed {
  resolve(result: unknown): void
  reject(error: Error): void
}

export class LivingThread implements LivingCatalogue {
  readonly #task: LivingTask
  readonly #keys: ItemIndex
  readonly #added: ReturnType<typeof openAddedKeys>
  readonly #worker: Worker
  readonly #owed = new Map<number, Owed>()
  #asked = 0
  #fault: Error | undefined

  /** @param keys of the release itself. @param onLost when the thread ends by itself. */
  constructor(task: LivingTask, keys: ItemIndex, onLost: (error: Error) => void) {
    this.#task = task
    this.#keys = keys
    this.#added = openAddedKeys(task.model.additions.keys)
    this.#worker = startWorker(livingWorker, task)
    this.#worker.on('message', (reply: LivingReply) => this.#hear(reply))
    const lose = (error: Error) => {
      if (this.#fault) return
      this.#fault = error
      for (const { reject } of this.#owed.values()) reject(error)
      this.#owed.clear()
      onLost(error)
    }
    this.#worker.on('error', cause =>
      lose(workerFailed('the thread of the living catalogue failed', cause))
    )
    this.#worker.on('exit', () => lose(workerFailed('the thread of the living catalogue ended')))
  }

  get trainedVersion(): number {
    return this.#task.model.trainedVersion
  }

  get room(): number {
    return this.#task.model.additions.room
  }

  /** Whether it still follows the catalogue. */
  get isAlive(): boolean {
    return this.#fault === undefined
  }

  hasId(key: string): boolean {
    return this.#keys.has(key) || this.#added.placeOf(key) !== undefined
  }

  nextNumber(): number {
    return this.#task.model.itemCount + this.#added.count
  }

  added(): number {
    return this.#added.count
  }

  async hide(keys: readonly string[]): Promise<void> {
    await this.#ask({ act: 'hide', keys })
  }

  adopt(placements: readonly Placement[]): Promise<number> {
    return this.#ask({ act: 'adopt', placements }) as Promise<number>
  }

  place(items: readonly Item[]): Promise<Placed> {
    return this.#ask({ act: 'place', items }) as Promise<Placed>
  }

  async update(items: readonly Item[]): Promise<void> {
    await this.#ask({ act: 'update', items })
  }

  /** What one more answering thread reads by. */
  addReader(): Promise<ReaderSeat> {
    return this.#ask({ act: 'addReader' }) as Promise<ReaderSeat>
  }

  async close(): Promise<void> {
    this.#fault ??= workerFailed('the recommender is closed')
    for (const { reject } of this.#owed.values()) reject(this.#fault)
    this.#owed.clear()
    await this.#worker.terminate()
  }

  #ask(request: LivingRequest): Promise<unknown> {
    if (this.#fault) return Promise.reject(this.#fault)
    return new Promise((resolve, reject) => {
      const numbered: NumberedRequest = { ...request, id: ++this.#asked }
      this.#owed.set(numbered.id, { resolve, reject })
      this.#worker.postMessage(numbered)
    })
  }

  #hear(reply: LivingReply): void {
    const owed = this.#owed.get(reply.id)
    this.#owed.delete(reply.id)
    if ('fault' in reply) owed?.reject(faultOf(reply))
    else owed?.resolve(reply.result)
  }
}

function faultOf({ code, fault }: LivingFault): RecommenderError {
  return new RecommenderError(code, fault, { canRetry: code !== 'ITEM_INVALID' })
}
