// A thread of recommender.ts: answers questions with a release that lies in shared memory.
import { parentPort, workerData } from 'node:worker_threads'
import type { ReaderSeat } from '#shared/itemids/trie-reader.ts'
import {
  answerQueries,
  type RecommendationQuery,
  type RecommendedItem,
  type ServedAnswering
} from './answer-query.ts'
import type { Generation } from './rank.ts'
import { openSharedModel, type SharedModel } from './shared-model.ts'

export interface AnsweringTask {
  readonly model: SharedModel
  /** See openSharedModel. */
  readonly seat: number
  readonly generation?: Generation
  /** The living trie. */
  readonly reader: ReaderSeat
}

/** What the thread is asked. */
export interface Batch {
  readonly id: number
  readonly queries: readonly RecommendationQuery[]
}

export type AnsweringMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'answers'; readonly id: number; readonly answers: readonly Answered[] }

/** A question that a fault of ours makes unanswerable spoils no other. */
export type Answered = { readonly items: RecommendedItem[] } | { readonly fault: string }

const say = (message: AnsweringMessage) => parentPort!.postMessage(message)

async function main(): Promise<void> {
  const { model, seat, ...options } = workerData as AnsweringTask
  const opened = await openSharedModel(model, seat, options)
  let last: Promise<void> = Promise.resolve()
  const answer = async ({ id, queries }: Batch) => {
    say({ kind: 'answers', id, answers: await answerAll(opened, queries) })
  }
  // One after the other: were the next one's graph begun, a search that hangs could not be ended.
  parentPort!.on('message', (batch: Batch) => {
    last = last.then(() => answer(batch))
  })
  say({ kind: 'ready' })
}

/** All at once, or, where that fails, each by itself. */
async function answerAll(
  model: ServedAnswering,
  queries: readonly RecommendationQuery[]
): Promise<Answered[]> {
  try {
    return (await answerQueries(model, queries)).map(items => ({ items }))
  } catch (error) {
    if (queries.length === 1) return [{ fault: String(error) }]
    const alone = []
    for (const query of queries) alone.push(...(await answerAll(model, [query])))
    return alone
  }
}

await main()
