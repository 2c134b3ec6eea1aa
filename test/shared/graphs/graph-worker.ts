// A thread that runs a graph again and again until it is ended.
import { parentPort, workerData } from 'node:worker_threads'
import { openGraph } from '#shared/graphs/open-graph.ts'

const { bytes, width } = workerData as { readonly bytes: Uint8Array; readonly width: number }
const items = 20_000 // long enough to be nearly always in native code

const graph = await openGraph('item', bytes)
const key = { shape: [items, width], values: new Float32Array(items * width) }
parentPort!.postMessage('running')
for (;;) await graph.run({ key })
