// Starts a worker thread from a source file (.ts, loaded by tsx) or from a bundle (.mjs, plain),
// so that callers need not know which of the two they run in.
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import type { MessagePort, Worker } from 'node:worker_threads'
import { NativeWorker } from './native-calls.ts'

/**
 * @param url of the worker's file, usually `new URL('./search-worker.ts', import.meta.url)`.
 * @param workerData a structured clone arrives in the worker; a SharedArrayBuffer is shared.
 * @param transferred ports in it, which move to the worker.
 * @returns the started worker. The caller listens to 'error' and 'exit', and terminates it, at any
 *   moment (native-calls.ts).
 */
export function startWorker(
  url: URL,
  workerData: unknown,
  transferred: readonly MessagePort[] = []
): Worker {
  const options = { workerData, transferList: [...transferred] }
  return url.pathname.endsWith('.ts')
    ? new NativeWorker(sourceLoader(url), { ...options, eval: true, execArgv: [] })
    : new NativeWorker(url, options)
}

/**
 * A script that sets tsx up inside the worker and then loads the source file. `--import tsx` in
 * execArgv does not do it: tsx 4 registers itself on the main thread only (its issue 354).
 */
function sourceLoader(url: URL): string {
  // Node's require finds the folder of tsx's API; beside the file for require lies that for import.
  const forRequire = createRequire(import.meta.url).resolve('tsx/esm/api')
  const tsx = new URL('./index.mjs', pathToFileURL(forRequire))
  return `import(${JSON.stringify(tsx.href)}).then(tsx => {
    tsx.register()
    return import(${JSON.stringify(url.href)})
  })`
}
