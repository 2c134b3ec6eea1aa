// The worker threads of a recommender (recommender.ts), which share one copy of its release.
//
// - A question goes to a free thread at once. Questions of one turn of the event loop, and those that
//   arrive while every thread is busy, go together in one batch: nobody waits on purpose.
// - A thread that dies is replaced. What it was asked is asked once more; a question that two threads
//   died with fails, since it may be what kills them.
// - A thread that is silent for long is ended, and so replaced.
// - The queue is bounded and every question has a deadline (request-queue.ts).
import type { Worker } from 'node:worker_threads'
import type { Logger } from '#shared/runtime/logging.ts'
import { startWorker } from '#shared/runtime/workers.ts'
import type { RecommendationQuery, RecommendedItem } from './answer-query.ts'
import type { LivingThread } from './living-thread.ts'
import type { Generation } from './rank.ts'
import type { AnsweringMessage, AnsweringTask, Batch } from './recommender-worker.ts'
import {
  type Asked,
  type QueueLimits,
  RequestQueue,
  standardQueue,
  tooLate
} from './request-queue.ts'
import type { SharedModel } from './shared-model.ts'
import { workerFailed } from './worker-failed.ts'

/** How busy the threads are, and what it has gone through. */
export interface ThreadLoad {
  readonly waiting: number
  readonly threads: number
  readonly busyThreads: number
  /** Threads that died or were ended, since the start. */
  readonly lostThreads: number
  /** Questions asked again because their thread died. */
  readonly retried: number
}

/** Sessions encoded side by side: more of them gain little (session-states.ts), and wait for each other. */
const batchSize = 8
/** Batches that a thread may hold: with the next one at hand it does not wait for our event loop. */
const batchesAhead = 2
/** A thread that has not answered by then has hung. */
const silenceMs = 10_000
const watchEveryMs = 100
/** Before a thread that died while starting is started once more. */
const restartMs = 1000

export interface PoolSettings {
  readonly queue: QueueLimits
  readonly generation: Generation
}

// The bundler (deploy/bundle.ts) changes the name to that of its own file.
const recommenderWorker = new URL('./recommender-worker.ts', import.meta.url)

/** A place for a thread. */
interface Seat {
  readonly number: number
  worker: Worker | undefined
  isReady: boolean
  /** Asked and not yet answered, the oldest first. */
  readonly owed: { readonly id: number; readonly asked: Asked[]; readonly at: number }[]
}

/** What the threads answer with. */
interface Answering {
  readonly model: SharedModel
  readonly living: LivingThread
}

interface PoolTask extends Partial<PoolSettings> {
  readonly threads: number
  readonly log: Logger
}

export class ThreadPool {
  readonly #model: SharedModel
  readonly #living: LivingThread
  readonly #task: PoolTask
  readonly #seats: readonly Seat[]
  readonly #queue: RequestQueue
  readonly #watch: NodeJS.Timeout
  readonly #becameReady: (() => void)[] = []
  #isClosed = false
  #willDispatch = false
  #batches = 0
  #lost = 0
  #retried = 0

  constructor({ model, living }: Answering, task: PoolTask) {
    this.#model = model
    this.#living = living
    this.#task = task
    this.#queue = new RequestQueue(task.queue ?? standardQueue)
    this.#seats = Array.from({ length: task.threads }, (_, number) => ({
      number,
      worker: undefined,
      isReady: false,
      owed: []
    }))
    for (const seat of this.#seats) void this.#fill(seat)
    this.#watch = setInterval(() => this.#lookAfter(), watchEveryMs)
    this.#watch.unref()
  }

  /** @throws RecommenderError WORKER_FAILED when a thread dies before it is ready. */
  async ready(): Promise<void> {
    await new Promise<void>(resolve => {
      this.#becameReady.push(resolve)
    })
    if (this.#lost === 0) return
    await this.close()
    throw workerFailed('a thread of the recommender died while starting')
  }

  /** @throws RecommenderError OVERLOADED or WORKER_FAILED, worth a retry. */
  ask(query: RecommendationQuery): Promise<RecommendedItem[]> {
    if (this.#isClosed) return Promise.reject(workerFailed('the recommender is closed'))
    const answer = this.#queue.ask(query, performance.now())
    this.#dispatchSoon()
    return answer
  }

  load(): ThreadLoad {
    return {
      waiting: this.#queue.length,
      threads: this.#seats.filter(({ isReady }) => isReady).length,
      busyThreads: this.#seats.filter(({ owed }) => owed.length > 0).length,
      lostThreads: this.#lost,
      retried: this.#retried
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearInterval(this.#watch)
    const closed = workerFailed('the recommender is closed')
    this.#queue.clear(closed)
    for (const { owed } of this.#seats) {
      for (const { asked } of owed.splice(0)) for (const { reject } of asked) reject(closed)
    }
    await Promise.all(this.#seats.map(({ worker }) => worker?.terminate()))
    await this.#living.close()
  }

  /** At the end of this turn of the event loop, when all that arrived in it has been asked. */
  #dispatchSoon(): void {
    if (this.#willDispatch) return
    this.#willDispatch = true
    setImmediate(() => {
      this.#willDispatch = false
      this.#dispatch()
    })
  }

  #dispatch(): void {
    for (let ahead = 0; ahead < batchesAhead; ahead++) {
      const free = this.#seats.filter(({ isReady, owed }) => isReady && owed.length === ahead)
      free.forEach((seat, i) => {
        const share = Math.ceil(this.#queue.length / (free.length - i))
        const asked = this.#queue.take(Math.min(batchSize, share), performance.now())
        if (asked.length > 0) this.#send(seat, asked)
      })
    }
  }

  #send(seat: Seat, asked: Asked[]): void {
    const batch: Batch = { id: ++this.#batches, queries: asked.map(({ query }) => query) }
    seat.owed.push({ id: batch.id, asked, at: performance.now() })
    seat.worker?.postMessage(batch)
  }

  async #fill(seat: Seat): Promise<void> {
    const reader = await this.#living.addReader().catch(() => undefined)
    if (this.#isClosed) return
    if (!reader) return this.#replace(seat) // without the living catalogue nobody can answer anew
    const { generation } = this.#task
    const task: AnsweringTask = {
      model: this.#model,
      seat: seat.number,
      reader,
      ...(generation && { generation })
    }
    const worker = startWorker(recommenderWorker, task, [reader.port])
    seat.worker = worker
    worker.on('message', (message: AnsweringMessage) => this.#hear(seat, message))
    worker.on('error', error => {
      this.#task.log.error({ err: error, thread: seat.number }, 'a recommender thread failed')
    })
    worker.on('exit', () => this.#replace(seat))
  }

  #hear(seat: Seat, message: AnsweringMessage): void {
    if (message.kind === 'ready') {
      seat.isReady = true
      this.#sayReady()
    } else {
      const place = seat.owed.findIndex(({ id }) => id === message.id)
      const [batch] = place < 0 ? [] : seat.owed.splice(place, 1)
      batch?.asked.forEach((asked, i) => {
        const answer = message.answers[i]!
        if ('items' in answer) asked.resolve(answer.items)
        else asked.reject(new Error(answer.fault))
      })
    }
    this.#dispatch()
  }

  #sayReady(): void {
    const hasAll = this.#seats.every(({ isReady }) => isReady)
    if (hasAll || this.#lost > 0) for (const say of this.#becameReady.splice(0)) say()
  }

  /** The thread is gone: another takes its seat, and what it owed is asked again, once. */
  #replace(seat: Seat): void {
    if (this.#isClosed) return
    this.#lost++
    const wasReady = seat.isReady
    seat.isReady = false
    seat.worker = undefined
    this.#askAgain(seat.owed.splice(0).flatMap(({ asked }) => asked))
    this.#sayReady()
    this.#task.log.warn({ thread: seat.number }, 'a recommender thread ended and is replaced')
    if (wasReady) void this.#fill(seat)
    else setTimeout(() => this.#isClosed || void this.#fill(seat), restartMs).unref()
    this.#dispatch()
  }

  #askAgain(asked: readonly Asked[]): void {
    const open = asked.filter(({ isSettled }) => !isSettled())
    for (const one of open) one.failures++
    const again = open.filter(({ failures }) => failures === 1)
    this.#retried += again.length
    this.#queue.putBack(again)
    for (const { failures, reject } of open) {
      if (failures > 1) reject(workerFailed('two threads died with this question'))
    }
  }

  #lookAfter(): void {
    const now = performance.now()
    this.#queue.refuseLate(now)
    for (const { owed, worker } of this.#seats) {
      for (const { asked } of owed) {
        for (const { deadline, reject, isSettled } of asked) {
          if (deadline <= now && !isSettled()) reject(tooLate())
        }
      }
      if (owed[0] && now - owed[0].at > silenceMs) void worker?.terminate()
    }
  }
}
