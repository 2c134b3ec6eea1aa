// Runs one of Postgres's programs to its end, and says what may be wrong where it does not run at all.
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { ServerPlace } from './server-place.ts'

/**
 * Runs a program as the place's user and waits for its end.
 *
 * @throws POSTGRES_UNAVAILABLE with what the program said, when it fails or cannot be started.
 */
export async function runAs(
  place: ServerPlace,
  program: string,
  args: readonly string[]
): Promise<void> {
  const child = spawn(program, args, {
    cwd: place.home,
    stdio: ['ignore', 'ignore', 'pipe'],
    windowsHide: true,
    ...place.user
  })
  const ended = new Promise<string>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(code === null ? `${signal}` : `code ${code}`))
  })
  const [outcome, complaint] = await Promise.all([ended, text(child.stderr)]).catch(cause => {
    throw cannotRun(program, cause)
  })
  if (outcome !== 'code 0') {
    throw new RecommenderError(
      'POSTGRES_UNAVAILABLE',
      `${program} ended with ${outcome}: ${complaint.trim()}`
    )
  }
}

export function cannotRun(program: string, cause: Error): RecommenderError {
  return new RecommenderError(
    'POSTGRES_UNAVAILABLE',
    `cannot run ${program} (${cause.message}): the programs need glibc (not Alpine's musl), a disk mounted without noexec and, as root, the right to change user; or set DATABASE_URL to a Postgres of your own`,
    { cause }
  )
}
