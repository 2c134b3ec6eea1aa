import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { createRandom } from '#shared/runtime/random.ts'
import { startWorker } from '#shared/runtime/workers.ts'

const sourceFile = new URL('./draw-worker.ts', import.meta.url)

test('a source file runs as a worker, with its imports and the data it was given', async () => {
  const worker = startWorker(sourceFile, { seed: 5 })

  const [drawn] = await once(worker, 'message')

  expect(drawn).toBe(createRandom(5).next())
  await worker.terminate()
})

test('memory is shared, not copied', async () => {
  const shared = new Int32Array(new SharedArrayBuffer(4))
  const worker = startWorker(sourceFile, { seed: 5, shared })

  await once(worker, 'message')

  expect(shared[0]).toBe(5)
  await worker.terminate()
})

test('a worker that fails while loading says so by its error event', async () => {
  const worker = startWorker(sourceFile, { seed: 'none' })

  const [error] = await once(worker, 'error')

  expect(error).toMatchObject({ message: 'no seed' })
})

test('a bundle runs as it is', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nextrie-worker-'))
  const bundle = join(folder, 'worker.mjs')
  await writeFile(
    bundle,
    `import { parentPort, workerData } from 'node:worker_threads'
     parentPort.postMessage(workerData * 2)`
  )
  const worker = startWorker(pathToFileURL(bundle), 21)

  const [answer] = await once(worker, 'message')

  expect(answer).toBe(42)
  await worker.terminate()
  await rm(folder, { recursive: true })
})
