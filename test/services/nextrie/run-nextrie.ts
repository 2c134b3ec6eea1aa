// Runs the command line as a user does, in a process of its own.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

const command = fileURLToPath(new URL('../../../services/nextrie/nextrie.mjs', import.meta.url))

export interface Outcome {
  readonly code: number | null
  readonly output: string
  readonly faults: string
}

export interface RunOptions {
  /** The whole environment; empty unless told otherwise. */
  readonly environment?: Readonly<Record<string, string>>
  readonly folder?: string
}

/** Runs a command to its end. */
export async function runNextrie(args: string[], options: RunOptions = {}): Promise<Outcome> {
  const child = spawnNextrie(args, options)
  const [output, faults] = await Promise.all([text(child.stdout!), text(child.stderr!)])
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return { code: child.exitCode, output, faults }
}

/** Starts a command; the test ends it. */
export function spawnNextrie(args: string[], options: RunOptions = {}): ChildProcess {
  return spawn(process.execPath, [command, ...args], {
    env: options.environment ?? {},
    cwd: options.folder,
    stdio: ['ignore', 'pipe', 'pipe']
  })
}
