// Keeps a thread from being ended in the middle of native code.
//
// A native library that comes back to a thread that is being terminated cannot go on in JavaScript:
// it throws where nobody catches, and the whole process aborts (seen with onnxruntime-node 1.30, known of
// many others). So a thread counts the native calls that it is in, in memory that it shares with the
// thread that started it. It is terminated only while there are none, and once it is to end no other
// begins: both sides decide by one atomic operation on the same number. When the process exits it ends its
// threads as well, and waits in the same way.
//
// What is counted is a call and the turns of the event loop until it begins. A thread must not run anything
// else meanwhile that may hang, or it cannot be ended: threads do one thing after the other.
import { setTimeout as pause } from 'node:timers/promises'
import { getEnvironmentData, setEnvironmentData, Worker } from 'node:worker_threads'

const name = 'native calls'
/** Added to their number when no further one may begin. */
const ending = 2 ** 30
const lookEveryMs = 5
/** A call that is still not over when the process exits ends with it, however that looks. */
const exitPatienceMs = 2000

/** The counts of all threads that have not ended. */
const running = new Set<Int32Array>()
process.on('exit', () => {
  const until = performance.now() + exitPatienceMs
  for (const calls of running) {
    while (isCalling(calls) && performance.now() < until) {
      Atomics.wait(calls, 0, Atomics.load(calls, 0), lookEveryMs)
    }
  }
})

/** A worker thread that may be terminated at any moment: that waits for its native calls. */
export class NativeWorker extends Worker {
  readonly #calls: Int32Array
  #end: Promise<number> | undefined

  constructor(...task: ConstructorParameters<typeof Worker>) {
    const calls = new Int32Array(new SharedArrayBuffer(4))
    setEnvironmentData(name, calls) // the new thread gets what is set now
    super(...task)
    setEnvironmentData(name, undefined)
    this.#calls = calls
    running.add(calls)
    this.once('exit', () => running.delete(calls))
  }

  override terminate(): Promise<number> {
    this.#end ??= this.#terminate()
    return this.#end
  }

  async #terminate(): Promise<number> {
    while (this.threadId !== -1 && isCalling(this.#calls)) await pause(lookEveryMs)
    return super.terminate()
  }
}

/** Whether a thread is in native code; if not, it stays out of it from now on. */
function isCalling(calls: Int32Array): boolean {
  const count = Atomics.compareExchange(calls, 0, 0, ending)
  return count > 0 && count < ending
}

const calls = getEnvironmentData(name) as Int32Array | undefined

/**
 * Runs what calls native code. In a thread that is about to end it never returns; on the main thread, and in
 * threads that are no NativeWorker, it is a plain call.
 */
export async function inNativeCode<T>(call: () => Promise<T>): Promise<T> {
  if (!calls) return call()
  if (Atomics.add(calls, 0, 1) >= ending) return new Promise(() => undefined)
  try {
    return await call()
  } finally {
    Atomics.sub(calls, 0, 1)
  }
}
