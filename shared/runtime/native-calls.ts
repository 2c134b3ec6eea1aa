// Keeps a thread from being ended in the middle of native code.
//
// A native library that comes back to a thread that is being terminated cannot go on in JavaScript:
// it throws where nobody catches, and the whole process aborts (seen with onnxruntime-node 1.30, known of
// many others). So a thread counts the native calls that it is in, in memory that it shares with the
// thread that started it. It is terminated only while there are none, and once it is to end no other
// begins: both sides decide by one atomic operation on the same number.
import { setTimeout as pause } from 'node:timers/promises'
import { getEnvironmentData, setEnvironmentData, Worker } from 'node:worker_threads'

const name = 'native calls'
/** Added to their number when no further one may begin. */
const ending = 2 ** 30
const lookEveryMs = 5

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
  }

  override terminate(): Promise<number> {
    this.#end ??= this.#terminate()
    return this.#end
  }

  async #terminate(): Promise<number> {
    while (this.#isCalling()) await pause(lookEveryMs)
    return super.terminate()
  }

  /** Whether it is in native code; if not, it stays out of it from now on. */
  #isCalling(): boolean {
    const calls = Atomics.compareExchange(this.#calls, 0, 0, ending)
    const hasEnded = this.threadId === -1
    return calls > 0 && !hasEnded
  }
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
