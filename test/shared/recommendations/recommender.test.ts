import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { answerQuery } from '#shared/recommendations/answer-query.ts'
import { loadModel } from '#shared/recommendations/load-model.ts'
import { modelFiles, sessionGraphFile } from '#shared/recommendations/model-files.ts'
import {
  type Recommender,
  type RecommenderTask,
  startRecommender
} from '#shared/recommendations/recommender.ts'
import type { TrainedModel } from '#shared/recommendations/trained-model.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import type { Click } from '#shared/sessions/session.ts'
import { smallModel, writeSmallRelease } from '#test/support/small-release.ts'
import { useBackend } from '#test/support/tensorflow.ts'

const log = createLogger({ name: 'test', level: 'silent' })
const itemKeys = Array.from({ length: 40 }, (_, i) => `item ${i}`)
const clicks: Click[] = itemKeys.slice(0, 7).map(itemKey => ({ itemKey, type: 'click', at: 0 }))
const query = { clicks, count: 10, exclude: [] }

/** A busy machine takes seconds to start a thread. */
const patient = { length: 512, deadlineMs: 60_000 }

let folder: string
let trained: TrainedModel
let location: string
/** Starting threads takes seconds, so that most tests share these two. */
let shared: Threads

beforeAll(async () => {
  await useBackend('cpu')
  folder = await mkdtemp(join(tmpdir(), 'nextrie-releases-'))
  trained = smallModel(itemKeys)
  location = await writeSmallRelease(folder, trained, { releaseId: 'whole' })
  shared = await startWatched({ folder: location, threads: 2, queue: patient })
}, 60_000)
afterAll(async () => {
  await shared.recommender.close()
  await rm(folder, { recursive: true })
})

test("an answer cannot be spread by a release without categories: the fault is the question's", async () => {
  const { recommender } = shared

  const answer = recommender.recommend({ ...query, diversity: 0.5 })

  expect(recommender.hasCategories()).toBe(false)
  await expect(answer).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
})

test('the threads answer as the model does, many questions at once, each with its own', async () => {
  const { recommender } = shared
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

test('a question that cannot be answered fails alone', async () => {
  const { recommender } = shared
  const unreadable = { ...query, clicks: undefined as unknown as Click[] }

  const [failed, answered] = await Promise.allSettled([
    recommender.recommend(unreadable),
    recommender.recommend(query)
  ])

  expect(failed.status).toBe('rejected')
  expect(answered.status).toBe('fulfilled')
})

test('a session has the same answer alone and among others of any length', async () => {
  const { recommender } = shared
  const queries = Array.from({ length: 24 }, (_, i) => ({
    ...query,
    clicks: itemKeys
      .slice(i, i + 1 + (i % 9))
      .map(itemKey => ({ itemKey, type: 'click', at: 0 }) as const)
  }))

  const together = await Promise.all(queries.map(one => recommender.recommend(one)))

  for (const [i, one] of queries.entries()) {
    const alone = await recommender.recommend(one)
    const keys = ({ items }: typeof alone) => items.map(({ itemKey, source }) => [itemKey, source])
    expect(keys(together[i]!)).toEqual(keys(alone))
    alone.items.forEach(({ score }, place) => {
      expect(together[i]!.items[place]!.score).toBeCloseTo(score, 6)
    })
  }
})

test('the event loop is free while the threads compute', async () => {
  const { recommender, workers } = shared
  const loops = [performance, ...workers.map(worker => worker.performance)]
  const activeMs = () => loops.map(loop => loop.eventLoopUtilization().active)
  const costly = { ...query, count: 3, explain: true } // much to compute, little to tell
  await recommender.recommend(costly)
  const before = activeMs()

  await Promise.all(Array.from({ length: 200 }, () => recommender.recommend(costly)))

  const [here, ...threads] = activeMs().map((after, i) => after - before[i]!)
  // Beside each other: a busy machine makes both longer.
  expect(here).toBeLessThan(threads.reduce((sum, ms) => sum + ms) / 4)
})

test('a thread that is killed is replaced, and what it was asked is answered by another', async () => {
  const { recommender, workers } = shared
  const before = recommender.load()
  const asked = Array.from({ length: 60 }, () => recommender.recommend(query))
  await setImmediate() // now they are with the threads

  await workers[0]!.terminate()

  const answers = await Promise.all(asked)
  expect(answers.every(({ items }) => items.length === 10)).toBe(true)
  await vi.waitUntil(() => recommender.load().threads === 2, { timeout: 30_000 })
  expect(recommender.load()).toMatchObject({ lostThreads: before.lostThreads + 1, waiting: 0 })
  expect(recommender.load().retried).toBeGreaterThan(before.retried)
  expect(workers).toHaveLength(3)
}, 60_000)

test('a question fails, worth a retry, when two threads died with it', async () => {
  const watched = await startWatched({ folder: location, threads: 1, queue: patient })
  const { recommender, workers } = watched
  const asked = recommender.recommend({ ...query, exclude: new Array(3e6).fill('item 1') })
  const failed = expect(asked).rejects.toMatchObject({ ...workerFailed, message: /two threads/ })
  await setImmediate()

  await workers[0]!.terminate()
  await vi.waitUntil(() => recommender.load().busyThreads === 1, { timeout: 30_000 })
  await workers[1]!.terminate()

  await failed
  await recommender.close()
}, 60_000)

describe('overload', () => {
  test('is refused at once when the queue is full; what waits is answered', async () => {
    const queue = { length: 5, deadlineMs: 60_000 }
    const { recommender } = await startWatched({ folder: location, threads: 1, queue })

    const answers = await Promise.allSettled(
      Array.from({ length: 40 }, () => recommender.recommend(query))
    )

    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(5)
    const [refused] = answers.filter(({ status }) => status === 'rejected')
    expect(refused).toMatchObject({ reason: { code: 'OVERLOADED', canRetry: true } })
    await recommender.close()
  }, 60_000)

  test('lets nobody wait beyond the deadline, not even with a thread that hangs', async () => {
    const queue = { length: 100, deadlineMs: 200 }
    const { recommender } = await startWatched({ folder: location, threads: 1, queue })
    const endless = { ...query, exclude: new Array(5e6).fill('item 1') } // seconds of work

    const answers = await Promise.allSettled(
      Array.from({ length: 20 }, (_, i) => recommender.recommend(i === 0 ? endless : query))
    )

    expect(answers).toHaveLength(20)
    for (const answer of answers) {
      expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'OVERLOADED' } })
    }
    await recommender.close()
  }, 60_000)
})

test('a thread that dies while it loads fails the start', async () => {
  const created = once(process, 'worker')
  const failed = expect(startRecommender({ folder: location, log })).rejects.toMatchObject(
    workerFailed
  )
  const [worker] = (await created) as [Worker]

  await worker.terminate()

  await failed
})

test('without the thread that follows the catalogue the others answer on, and it is known', async () => {
  const { recommender, living } = await startWatched({
    folder: location,
    threads: 1,
    queue: patient
  })
  expect(recommender.isLiving()).toBe(true)
  const hidden = recommender.catalogue.hide(['item 1'])

  await living.terminate()

  await hidden.catch(() => undefined) // answered or not, it does not hang
  await vi.waitUntil(() => !recommender.isLiving(), { timeout: 30_000 })
  await expect(recommender.catalogue.hide(['item 2'])).rejects.toMatchObject(workerFailed)
  expect((await recommender.recommend(query)).items).toHaveLength(10)
  await recommender.close()
}, 60_000)

test('a closed recommender answers nothing, and its threads are gone', async () => {
  const { recommender, workers } = await startWatched({ folder: location, threads: 2 })
  const failed = expect(recommender.recommend(query)).rejects.toMatchObject(workerFailed)

  await recommender.close()

  await failed
  await expect(recommender.recommend(query)).rejects.toMatchObject(workerFailed)
  expect(workers.map(({ threadId }) => threadId)).toEqual([-1, -1])
}, 60_000)

test('a release whose graph computes something else than training did is refused', async () => {
  const other = smallModel(itemKeys, 2)
  const wrong = await writeSmallRelease(folder, trained, { releaseId: 'other-graph' })
  const graph = modelFiles(other)[sessionGraphFile]!
  await replaceFile(wrong, sessionGraphFile, graph)

  await expect(startRecommender({ folder: wrong, log })).rejects.toMatchObject({
    code: 'RELEASE_CORRUPT',
    message: expect.stringContaining('session encoder')
  })
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

/** As someone would who can also write the manifest: hashes do not give it away. */
async function replaceFile(release: string, name: string, bytes: Uint8Array): Promise<void> {
  const path = join(release, 'manifest.json')
  const manifest = JSON.parse(await readFile(path, 'utf8'))
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  manifest.files[name] = { bytes: bytes.length, sha256 }
  await writeFile(join(release, name), bytes)
  await writeFile(path, JSON.stringify(manifest))
}

interface Threads {
  readonly recommender: Recommender
  /** Those that answer, in the order in which they were started. */
  readonly workers: readonly Worker[]
  /** The one that keeps the release up with the catalogue. */
  readonly living: Worker
}

/** A recommender with its threads, which it keeps to itself. */
async function startWatched(task: Omit<RecommenderTask, 'log'>): Promise<Threads> {
  const workers: Worker[] = []
  const add = (worker: Worker) => workers.push(worker)
  process.on('worker', add)
  const recommender = await startRecommender({ ...task, log })
  const [, living] = workers.splice(0, 2) // before it, the one that loaded the release
  const close = () => {
    process.off('worker', add)
    return recommender.close()
  }
  return { recommender: { ...recommender, close }, workers, living: living! }
}
