// The stages of a start: each is one line with the time it took, and what it opened is closed at the
// end, last opened first, whether the start succeeded, failed or was interrupted.

export interface Stages {
  /**
   * Runs a stage and writes `<name>  <outcome>  <seconds>`. Does not begin once the start is
   * interrupted.
   */
  run<T>(name: string, act: (tell: (outcome: string) => void) => Promise<T>): Promise<T>
  /** Remembers how to close what a stage has opened. */
  onClose(close: () => Promise<unknown>): void
  /** Closes all; every one is tried. Throws the first failure. */
  close(): Promise<void>
}

export function createStages(write: (line: string) => void, signal: AbortSignal): Stages {
  const closers: (() => Promise<unknown>)[] = []
  return {
    async run(name, act) {
      signal.throwIfAborted()
      const startedAt = performance.now()
      let outcome = 'done'
      const result = await act(told => {
        outcome = told
      })
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
      write(`${name.padEnd(9)} ${outcome} (${seconds} s)`)
      return result
    },
    onClose(close) {
      closers.push(close)
    },
    async close() {
      const failures: unknown[] = []
      for (const close of closers.splice(0).reverse()) {
        await close().catch(error => failures.push(error))
      }
      if (failures.length > 0) throw failures[0]
    }
  }
}
