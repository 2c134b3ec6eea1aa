// Starts the serving program and waits until it can answer.
import { setTimeout as pause } from 'node:timers/promises'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { type Program, type ProgramOptions, startProgram } from './programs.ts'

/** How long it may say the same, or nothing: a release takes a second, a busy machine needs several. */
const silenceMs = 60_000
const pollMs = 50

/**
 * @param url where it will answer.
 * @throws PROGRAM_FAILED when it ends, or comes no further within a minute; it is stopped then.
 */
export async function startServing(
  url: string,
  environment: ProgramOptions['environment'],
  signal: AbortSignal
): Promise<Program> {
  const program = startProgram({ name: 'serving', environment })
  let exitCode: number | undefined
  program.exited.then(code => {
    exitCode = code
  })
  let last = { readiness: '', at: performance.now() }
  for (;;) {
    const { isReady, readiness } = await readinessOf(url)
    if (isReady) return program
    if (readiness !== last.readiness) last = { readiness, at: performance.now() }
    const isLate = performance.now() - last.at > silenceMs
    if (exitCode !== undefined) throw failed(`ended with exit code ${exitCode} before it was ready`)
    if (isLate || signal.aborted) {
      await program.stop()
      signal.throwIfAborted()
      throw failed(`came no further within ${silenceMs / 1000} seconds`)
    }
    await pause(pollMs)
  }
}

/** Not listening yet is the usual answer while it starts. */
async function readinessOf(url: string) {
  try {
    const response = await fetch(new URL('/health/ready', url))
    return { isReady: response.ok, readiness: await response.text() }
  } catch {
    return { isReady: false, readiness: '' }
  }
}

function failed(what: string): RecommenderError {
  return new RecommenderError('PROGRAM_FAILED', `serving ${what}; its messages are above`)
}
