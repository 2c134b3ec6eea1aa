// Starts a program of ours as a process of its own, which a test can end or kill. None outlives its
// test file: what is still running at the end is killed, and a process whose tests were themselves
// killed stops by itself.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterAll, vi } from 'vitest'
import type { Environment } from '#shared/runtime/config.ts'

export interface Program {
  /** What it has said so far: its log, a JSON text each, and what it wrote to standard error. */
  readonly lines: readonly string[]
  /** Its exit code: null when a signal ended it. */
  readonly exited: Promise<number | null>
  /** Ends it, if it has not ended by itself, and returns its exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>
}

const running = new Set<Program>()
afterAll(async () => {
  await Promise.all(Array.from(running, program => program.end('SIGKILL')))
})

/**
 * Starts a program and waits until it logs a message that begins with `message`.
 *
 * @param file its main.ts, from the root of the repository.
 * @param environment is added to the environment of the tests.
 */
export async function startProgram(
  file: string,
  environment: Environment,
  message: string
): Promise<Program> {
  const program = spawnProgram(file, environment)
  let hasEnded = false
  program.exited.then(() => {
    hasEnded = true
  })
  const hasSaid = () => program.lines.some(line => line.includes(`"msg":"${message}`))
  const wait = { timeout: 60_000, interval: 20 }
  await vi.waitUntil(() => hasSaid() || hasEnded, wait).catch(() => program.end('SIGKILL'))
  if (hasSaid()) return program
  throw new Error(`${file} did not log '${message}': ${program.lines.join('\n')}`)
}

/** Runs a program to its end, which it reaches by itself. @returns what it said. */
export async function runProgram(
  file: string,
  environment: Environment
): Promise<readonly string[]> {
  const program = spawnProgram(file, environment)
  const exitCode = await program.exited
  if (exitCode === 0) return program.lines
  throw new Error(`${file} ended with exit code ${exitCode}: ${program.lines.join('\n')}`)
}

/**
 * What `condition` resolves to. When it fails, or the program ends before it, the program is killed
 * and what it said is told.
 */
export async function whileRunning<T>(program: Program, condition: PromiseLike<T>): Promise<T> {
  const ended = program.exited.then((exitCode): never => {
    throw new Error(`ended with exit code ${exitCode}`)
  })
  try {
    return await Promise.race([condition, ended])
  } catch (cause) {
    await program.end('SIGKILL')
    throw new Error(`${(cause as Error).message}: ${program.lines.join('\n')}`, { cause })
  }
}

function spawnProgram(file: string, environment: Environment): Program {
  const loaders = ['tsx', './services/nextrie/stop-with-parent.ts']
  const child = spawn(
    process.execPath,
    [...loaders.flatMap(loader => ['--import', loader]), file],
    { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] }
  )
  const program = { lines: linesOf(child), exited: exitCodeOf(child), end }
  running.add(program)
  program.exited.then(() => running.delete(program))
  return program

  async function end(signal: NodeJS.Signals): Promise<number | null> {
    child.kill(signal)
    return program.exited
  }
}

function linesOf({ stdout, stderr }: ChildProcess): string[] {
  const lines: string[] = []
  for (const input of [stdout!, stderr!]) {
    createInterface(input).on('line', line => lines.push(line))
  }
  return lines
}

/** 'close', not 'exit': by then all of its lines have been read. */
async function exitCodeOf(child: ChildProcess): Promise<number | null> {
  const [exitCode] = (await once(child, 'close')) as [number | null]
  return exitCode
}
