import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { answerQuery } from '#shared/recommendations/answer-query.ts'
import { type Recommender, startRecommender } from '#shared/recommendations/recommender.ts'
import { loadModel, type TrainedModel } from '#shared/recommendations/release-model.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import type { Click } from '#shared/sessions/session.ts'
import { smallModel, writeSmallRelease } from '#test/support/small-release.ts'
import { useBackend } from '#test/support/tensorflow.ts'

const log = createLogger({ name: 'test', level: 'silent' })
const itemKeys = Array.from({ length: 40 }, (_, i) => `item ${i}`)
const clicks: Click[] = itemKeys.slice(0, 7).map(itemKey => ({ itemKey, type: 'click', at: 0 }))
const query = { clicks, count: 10, exclude: [] }

let folder: string
let trained: TrainedModel
let location: string
/** Starting one takes seconds, so that most tests share this one; the last of them ends it. */
let shared: Thread

beforeAll(async () => {
  await useBackend('cpu')
  folder = await mkdtemp(join(tmpdir(), 'nextrie-releases-'))
  trained = smallModel(itemKeys)
  location = await writeSmallRelease(folder, trained, { releaseId: 'whole' })
  shared = await startWithThread(location)
}, 60_000)
afterAll(async () => {
  await shared.worker.terminate()
  await rm(folder, { recursive: true })
})

test('the thread answers as the model does, many questions at once, each with its own', async () => {
  const recommender = await shared.started
  const model = loadModel(trained)
  const counts = [1, 5, 10, 40]

  const answers = await Promise.all(counts.map(count => recommender.recommend({ ...query, count })))

  expect(recommender.releaseId).toBe('whole')
  answers.forEach(({ releaseId, items }, i) => {
    const expected = answerQuery(model, { ...query, count: counts[i]! })
    expect(releaseId).toBe('whole')
    expect(items.map(({ itemKey }) => itemKey)).toEqual(expected.map(({ itemKey }) => itemKey))
    items.forEach(({ score, source }, place) => {
      expect(score).toBeCloseTo(expected[place]!.score, 5)
      expect(source).toBe(expected[place]!.source)
    })
  })
}, 60_000)

test('a question that the thread cannot answer fails alone', async () => {
  const recommender = await shared.started
  const unreadable = { ...query, clicks: undefined as unknown as Click[] }

  const [failed, answered] = await Promise.allSettled([
    recommender.recommend(unreadable),
    recommender.recommend(query)
  ])

  expect(failed.status).toBe('rejected')
  expect(answered.status).toBe('fulfilled')
})

test('when the thread dies, what it was asked fails, worth a retry, and so does what comes later', async () => {
  const recommender = await shared.started
  const asked = Array.from({ length: 200 }, () => recommender.recommend(query))
  const answered = Promise.allSettled(asked)

  await shared.worker.terminate()

  expect((await answered).at(-1)).toMatchObject({ status: 'rejected', reason: workerFailed })
  await expect(recommender.recommend(query)).rejects.toMatchObject(workerFailed)
})

test('a thread that dies while it loads fails the start', async () => {
  const { worker, started } = await startWithThread(location)
  const failed = expect(started).rejects.toMatchObject(workerFailed)

  await worker.terminate()

  await failed
})

test('a closed recommender answers nothing, and its thread is gone', async () => {
  const { worker, started } = await startWithThread(location)
  const recommender = await started
  const failed = expect(recommender.recommend(query)).rejects.toMatchObject(workerFailed)

  await recommender.close()

  await failed
  await expect(recommender.recommend(query)).rejects.toMatchObject(workerFailed)
  expect(worker.threadId).toBe(-1)
}, 60_000)

test('a release whose answer to its own sample is wrong is refused', async () => {
  const sample = {
    clicked: ['item 0'],
    answer: itemKeys.slice(0, 10).map(item => ({ item, score: 0.1 }))
  }
  const wrong = await writeSmallRelease(folder, trained, { releaseId: 'wrong', sample })

  await expect(startRecommender({ folder: wrong, log })).rejects.toMatchObject({
    code: 'RELEASE_CORRUPT',
    message: expect.stringContaining('sample question')
  })
}, 60_000)

const workerFailed = { code: 'WORKER_FAILED', canRetry: true }

interface Thread {
  readonly worker: Worker
  readonly started: Promise<Recommender>
}

/** The recommender with its thread, which it keeps to itself. */
async function startWithThread(place: string): Promise<Thread> {
  const created = once(process, 'worker')
  const started = startRecommender({ folder: place, log })
  const [worker] = await created
  return { worker, started }
}
