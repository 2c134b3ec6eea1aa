// Runs a graph with ONNX Runtime, on one thread: a service that answers many requests at once gains
// nothing from splitting one of them, and worker threads that share the cores would be in each
// other's way.
import type { InferenceSession, Tensor } from 'onnxruntime-node'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { inNativeCode } from '#shared/runtime/native-calls.ts'

const ort = await inNativeCode(() => import('onnxruntime-node')) // loading it is native, too

/** Numbers and their shape. A Float32Array becomes float32, an Int32Array int32. */
export interface GraphArray {
  readonly shape: readonly number[]
  /** Not over shared memory: ONNX Runtime refuses that. */
  readonly values: Float32Array | Int32Array
}

export interface OpenGraph {
  /** @returns the numbers of the graph's one output; the caller owns them. */
  run(inputs: Readonly<Record<string, GraphArray>>): Promise<Float32Array>
  close(): Promise<void>
}

/** @throws RecommenderError RELEASE_CORRUPT when the bytes are not a graph. */
export async function openGraph(name: string, bytes: Uint8Array): Promise<OpenGraph> {
  const session = await open(name, bytes)
  const [output] = session.outputNames
  return {
    async run(inputs) {
      const feeds: Record<string, Tensor> = {}
      for (const [input, { values, shape }] of Object.entries(inputs)) {
        feeds[input] = tensorOf(values, shape)
      }
      const results = await inNativeCode(() => session.run(feeds))
      return results[output!]!.data as Float32Array
    },
    close: () => inNativeCode(() => session.release())
  }
}

function tensorOf(values: Float32Array | Int32Array, shape: readonly number[]): Tensor {
  return values instanceof Float32Array
    ? new ort.Tensor('float32', values, shape)
    : new ort.Tensor('int32', values, shape)
}

const sessionOptions: InferenceSession.SessionOptions = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  logSeverityLevel: 3 // errors: what went wrong is in the exception
}

async function open(name: string, bytes: Uint8Array): Promise<InferenceSession> {
  try {
    return await inNativeCode(() => ort.InferenceSession.create(bytes, sessionOptions))
  } catch (cause) {
    throw new RecommenderError('RELEASE_CORRUPT', `${name} is no graph that can be run`, { cause })
  }
}
