// A program that ends threads while they run a graph, one while it starts, and the others by its own end.
import { once } from 'node:events'
import { itemGraph } from '#shared/graphs/item-graph.ts'
import { arraysOf } from '#shared/model/weights.ts'
import { startWorker } from '#shared/runtime/workers.ts'
import { useBackend } from '#test/support/tensorflow.ts'
import { tinyConfig, tinyWeights } from '#test/support/tiny-model.ts'

await useBackend('cpu')
const bytes = itemGraph({ ...tinyConfig, columns: 0 }, arraysOf(tinyWeights(3)))
const start = () =>
  startWorker(new URL('./graph-worker.ts', import.meta.url), { bytes, width: tinyConfig.width })

const threads = Array.from({ length: 4 }, start)
await Promise.all(threads.map(thread => once(thread, 'message')))
for (const thread of threads) await thread.terminate()
await start().terminate()
const others = [start(), start()]
await Promise.all(others.map(thread => once(thread, 'message')))
process.stdout.write('all threads ended')
process.exit()
