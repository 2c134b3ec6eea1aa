// What serving reads from the environment.
import { BlockList, isIP } from 'node:net'
import {
  type Environment,
  integer,
  oneOf,
  type Reader,
  readConfig,
  required
} from '#shared/runtime/config.ts'
import { type LogLevel, logLevels } from '#shared/runtime/logging.ts'

export interface ServingConfig {
  readonly databaseUrl: string
  readonly host: string
  /** 0 takes any free port. */
  readonly port: number
  readonly logLevel: LogLevel
  /** Must equal the gap that the trainer cuts by: the model knows no other sessions. */
  readonly sessionGapMinutes: number
}

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** There are no API keys yet, so nobody outside this machine may be able to ask. */
const loopbackHost: Reader<string> = text => {
  const host = text || '127.0.0.1'
  return isLoopback(host)
    ? { value: host }
    : { fault: 'must be a loopback address (127.0.0.1, ::1 or localhost): there are no API keys' }
}

/** @throws CONFIG_INVALID naming every faulty variable. */
export function servingConfig(environment: Environment): ServingConfig {
  return readConfig<ServingConfig>(environment, {
    databaseUrl: ['DATABASE_URL', required],
    host: ['HOST', loopbackHost],
    port: ['PORT', integer(0, 8080, 65_535)],
    logLevel: ['LOG_LEVEL', oneOf(logLevels, 'info')],
    sessionGapMinutes: ['SESSION_GAP_MINUTES', integer(1, 30)]
  })
}

function isLoopback(host: string): boolean {
  const family = isIP(host)
  if (family === 0) return host === 'localhost'
  return loopback.check(host, family === 4 ? 'ipv4' : 'ipv6')
}
