// Starts the serving program and waits until it can answer.
import { setTimeout as pause } from 'node:timers/promises'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { type Program, type ProgramOptions, startProgram } from './programs.ts'

/** Loading a release takes a second; a busy machine may need several. */
const deadlineMs = 60_000
const pollMs = 50

/**
 * @param url where it will answer.
 * @throws PROGRAM_FAILED when it ends, or is not ready within a minute; it is stopped then.
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
  const startedAt = performance.now()
  while (!(await isReady(url))) {
    const isLate = performance.now() - startedAt > deadlineMs
    if (exitCode !== undefined) throw failed(`ended with exit code ${exitCode} before it was ready`)
    if (isLate || signal.aborted) {
      await program.stop()
      signal.throwIfAborted()
      throw failed(`was not ready within ${deadlineMs / 1000} seconds`)
    }
    await pause(pollMs)
  }
  return program
}

/** Not listening yet is the usual answer while it starts. */
async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(new URL('/health/ready', url))
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}

function failed(what: string): RecommenderError {
  return new RecommenderError('PROGRAM_FAILED', `serving ${what}; its messages are above`)
}
