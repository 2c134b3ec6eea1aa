// The TF.js backend of serving: WebAssembly, which needs nothing installed.
import * as tf from '@tensorflow/tfjs-core'
import '@tensorflow/tfjs-backend-wasm'

/** Call once in a thread before anything is computed. */
export async function startInferenceBackend(): Promise<void> {
  const before = crashEvents.map(event => new Set(process.rawListeners(event)))
  await tf.setBackend('wasm')
  await tf.ready()
  crashEvents.forEach((event, i) => {
    removeNew(event, before[i]!)
  })
}

const crashEvents = ['uncaughtException', 'unhandledRejection'] as const

/**
 * The loader of the WebAssembly module listens for every error of the process and throws it again,
 * which prints the loader's one line of 70 kB instead of the error. Errors are ours to handle.
 */
function removeNew(event: string, before: ReadonlySet<unknown>): void {
  for (const listener of process.rawListeners(event)) {
    if (!before.has(listener)) process.removeListener(event, listener as () => void)
  }
}
