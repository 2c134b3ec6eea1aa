// A worker for workers.test.ts: answers with the first number of its seed.
import { parentPort, workerData } from 'node:worker_threads'
import { createRandom } from '#shared/runtime/random.ts'

const { seed, shared }: { seed: unknown; shared?: Int32Array } = workerData
if (typeof seed !== 'number') throw new Error('no seed')
if (shared) shared[0] = seed
parentPort?.postMessage(createRandom(seed).next())
