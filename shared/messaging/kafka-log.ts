// kafkajs's log lines into ours. It calls an error what it then retries by itself (a coordinator
// that is loading, a connection that was closed), so its errors are warnings here and its
// information is for debugging.
import { type LogEntry, logLevel } from 'kafkajs'
import type { Logger } from '#shared/runtime/logging.ts'

/** A kafkajs `logCreator` that writes to a child of `log`. */
export function pinoLogCreator(log: Logger): () => (entry: LogEntry) => void {
  const child = log.child({ from: 'kafkajs' })
  return () =>
    ({ namespace, level, log: { message, timestamp, logger, stack, ...facts } }) => {
      child[levelOf(namespace, level)]({ namespace, ...facts }, message)
    }
}

/** Whoever uses a connection tells of its failure as well, and says what is done about it. */
function levelOf(namespace: string, level: logLevel) {
  return namespace === 'Connection' ? 'debug' : levels[level]
}

const levels = {
  [logLevel.NOTHING]: 'trace',
  [logLevel.ERROR]: 'warn',
  [logLevel.WARN]: 'info',
  [logLevel.INFO]: 'debug',
  [logLevel.DEBUG]: 'trace'
} as const
