// The one way to a log: JSON lines on standard output, or readable lines on a terminal.
// A program makes its log in main.ts and passes it in; nothing else writes to the console.
import { type Logger, pino, stdTimeFunctions } from 'pino'
import pinoPretty from 'pino-pretty'

export type { Logger } from 'pino'

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof logLevels)[number]

export interface LogOptions {
  /** The program's name, on every line. */
  readonly name: string
  readonly level: LogLevel
  /** Readable lines, where standard output is a terminal. On unless told otherwise. */
  readonly pretty?: boolean
}

/**
 * Writes synchronously, so that a line logged just before the process ends is not lost.
 * To change the level later (once the configuration is read), set `log.level`.
 */
export function createLogger({ name, level, pretty = true }: LogOptions): Logger {
  const options = {
    name,
    level,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) }
  }
  // Not pino's own choice, which writes in the background and on exit the newest lines first.
  if (!pretty || !process.stdout.isTTY)
    return pino(options, pino.destination({ dest: 1, sync: true }))
  return pino(
    options,
    pinoPretty({ sync: true, ignore: 'pid,hostname', translateTime: 'HH:MM:ss' })
  )
}
