import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import type { Worker } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import { type Batch, drawBatches, windowsOf } from '#services/trainer/batches.ts'
import { type PreparedBatches, prepareBatches } from '#services/trainer/prepared-batches.ts'
import { createRandom } from '#shared/runtime/random.ts'
import { runProgram } from '#test/support/program.ts'
import { tinySession } from '#test/support/tiny-training.ts'

const cut = { maxLength: 6, clicksPerBatch: 24 }
const seed = 7
const failed = { name: 'RecommenderError', code: 'WORKER_FAILED' }

test('gives, epoch after epoch, the batches that drawBatches gives for the seed', async () => {
  const sessions = sessionsOf(50)
  const random = createRandom(seed)
  const windows = windowsOf(sessions, cut.maxLength)
  const expected = [1, 2, 3, 4].map(() => drawBatches(windows, cut.clicksPerBatch, random))
  const prepared = await prepareBatches(sessions, cut, seed)

  const epochs: (readonly Batch[])[] = []
  while (epochs.length < expected.length) epochs.push(await prepared.next())

  expect(epochs).toEqual(expected)
  expect(epochs.map(({ length }) => length)).toEqual(expected.map(() => prepared.perEpoch))
  expect(expected[0]).not.toEqual(expected[1])
  await prepared.close()
})

test('epochs that are asked for at once come in their order', async () => {
  const prepared = await prepareBatches(sessionsOf(50), cut, seed)
  const others = await prepareBatches(sessionsOf(50), cut, seed)

  const together = await Promise.all([prepared.next(), prepared.next(), prepared.next()])

  for (const epoch of together) expect(epoch).toEqual(await others.next())
  await Promise.all([prepared.close(), others.close()])
})

test('has no batches where no session has a click to learn from', async () => {
  const prepared = await prepareBatches([tinySession([3]), tinySession([])], cut, seed)

  expect(prepared.perEpoch).toBe(0)
  expect(await prepared.next()).toEqual([])
  await prepared.close()
})

test('draws the next epoch while this thread is blocked', async () => {
  const { prepared, worker } = await startWatched(30_000) // drawn in some tens of milliseconds
  const before = worker.performance.eventLoopUtilization()
  await prepared.next()

  blockUntilDone(worker, before)

  let isThere = false
  void prepared.next().then(() => {
    isThere = true
  })
  await setImmediate() // what has come meanwhile is heard ...
  await setImmediate() // ... before this
  expect(isThere).toBe(true)
  await prepared.close()
})

describe('a thread that is gone', () => {
  test('fails what is asked for, now and later', async () => {
    const { prepared, worker } = await startWatched(20_000)
    await prepared.next()
    const asked = [prepared.next(), prepared.next()].map(epoch =>
      expect(epoch).rejects.toMatchObject({ ...failed, message: /thread that draws batches ended/ })
    )

    await worker.terminate()

    await Promise.all(asked)
    await expect(prepared.next()).rejects.toMatchObject(failed)
    await prepared.close()
  })

  test('fails nothing that nobody asks for', async () => {
    const { prepared, worker } = await startWatched(20_000)
    const heard: unknown[] = []
    const hear = (error: unknown) => heard.push(error)
    process.on('unhandledRejection', hear)

    await prepared.next() // the one after is being drawn
    await worker.terminate()
    await setImmediate()

    process.off('unhandledRejection', hear)
    expect(heard).toEqual([])
  })

  test('fails the start, with what it failed at', async () => {
    const unusable = { ...cut, maxLength: 6n as unknown as number }

    await expect(prepareBatches(sessionsOf(3), unusable, seed)).rejects.toMatchObject({
      ...failed,
      message: /^the thread that draws batches failed: .*BigInt/,
      cause: expect.any(TypeError)
    })
  })
})

test('closed, it lets the process end, and what is still asked for fails', async () => {
  const prepared = await prepareBatches(sessionsOf(3), cut, seed)

  await prepared.close()

  await prepared.next() // was drawn before
  await expect(prepared.next()).rejects.toMatchObject(failed)
  const lines = await runProgram('test/services/trainer/prepared-batches-program.ts', {})
  expect(lines).toEqual(['closed'])
})

function sessionsOf(count: number) {
  return Array.from({ length: count }, (_, s) =>
    tinySession(Array.from({ length: 1 + (s % 9) }, (_, n) => s + n))
  )
}

interface Watched {
  readonly prepared: PreparedBatches
  readonly worker: Worker
}

async function startWatched(sessions: number): Promise<Watched> {
  const created = once(process, 'worker')
  const prepared = await prepareBatches(sessionsOf(sessions), cut, seed)
  const [worker] = (await created) as [Worker]
  return { prepared, worker }
}

/**
 * Blocks this thread until the other one has worked and waits again: by its own account, since it cannot
 * send anything here meanwhile.
 */
function blockUntilDone({ performance: other }: Worker, before: Utilization): void {
  const deadline = performance.now() + 15_000
  let last = before
  while (performance.now() < deadline) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)
    const now = other.eventLoopUtilization()
    const [worked, waited] = [now.active - last.active, now.idle - last.idle]
    if (now.active > before.active && worked < waited) return
    last = now
  }
  throw new Error('the other thread did not work, or did not end')
}

type Utilization = ReturnType<typeof performance.eventLoopUtilization>
