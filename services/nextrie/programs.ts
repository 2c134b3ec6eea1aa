// Starts the other programs as processes of their own: services never import each other. In a
// checkout they are TypeScript files loaded by tsx, in the bundle .mjs files beside this one.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Environment } from '#shared/runtime/config.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'

/** Each program's file as seen from here; in the bundle it is `<name>.mjs`. */
const sources = {
  ingestion: '../ingestion/main.ts',
  trainer: '../trainer/main.ts',
  serving: '../serving/main.ts',
  'setup-tensorflow': '../trainer/setup-tensorflow.ts'
} as const
export type ProgramName = keyof typeof sources

/** TensorFlow's library otherwise greets on standard error with the CPU's features. */
const quietLibraries: Environment = { TF_CPP_MIN_LOG_LEVEL: '2' }

export interface ProgramOptions {
  readonly name: ProgramName
  readonly args?: readonly string[]
  /** The whole environment of the program, not only what differs from ours. */
  readonly environment: Environment
  /** Where its output goes; ours unless told otherwise. */
  readonly output?: 'inherit' | 'pipe'
}

export interface Program {
  readonly process: ChildProcess
  /** Its exit code, or 128 + the number of the signal that ended it, as shells report. */
  readonly exited: Promise<number>
  /** Asks it to stop, and waits until it has. */
  stop(signal?: NodeJS.Signals): Promise<number>
}

/**
 * Starts a program in a process group of its own: Ctrl-C reaches only the command line, which stops
 * its programs in the right order. The channel tells the program when the command line is gone.
 */
export function startProgram({ name, args = [], environment, output }: ProgramOptions): Program {
  const process_ = spawn(process.execPath, [...nodeArguments(name), ...args], {
    env: { ...quietLibraries, ...environment },
    detached: true,
    stdio: ['inherit', output ?? 'inherit', output ?? 'inherit', 'ipc']
  })
  const exited = exitCode(process_, name)
  exited.catch(() => {}) // reported to whoever awaits it, perhaps later
  return {
    process: process_,
    exited,
    stop(signal = 'SIGTERM') {
      process_.kill(signal)
      return exited
    }
  }
}

/** Runs a program to its end, passing on the signals that we get; resolves to its exit code. */
export async function runProgram(options: ProgramOptions): Promise<number> {
  const program = startProgram(options)
  const pass = (signal: NodeJS.Signals) => program.process.kill(signal)
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, pass)
  try {
    return await program.exited
  } finally {
    for (const signal of signals) process.off(signal, pass)
  }
}

function nodeArguments(name: ProgramName): string[] {
  const isBundle = import.meta.url.endsWith('.mjs')
  if (isBundle) return ['--import', local('./stop-with-parent.mjs'), path(`./${name}.mjs`)]
  const loaders = [import.meta.resolve('tsx'), local('./stop-with-parent.ts')]
  return [...loaders.flatMap(loader => ['--import', loader]), path(sources[name])]
}

function local(relative: string): string {
  return new URL(relative, import.meta.url).href
}

function path(relative: string): string {
  return fileURLToPath(local(relative))
}

async function exitCode(child: ChildProcess, name: ProgramName): Promise<number> {
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
    return code ?? 128 + (signal ? constants.signals[signal] : 0)
  } catch (cause) {
    throw new RecommenderError('PROGRAM_FAILED', `cannot start the program ${name}`, { cause })
  }
}
