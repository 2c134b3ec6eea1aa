// From a data folder to a server that is ready and ours, and back. Two processes may want the same
// folder: Postgres lets one server in, and the lock of server-owner.ts says whose it is.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Client } from 'pg'
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { Logger } from '#shared/runtime/logging.ts'
import {
  hasEnded,
  lastLogLines,
  readPostmasterFile,
  removeMistakenFile,
  type ServerParts,
  startPostmaster,
  stopPostmaster
} from './postmaster.ts'
import { findRunningServer, ownServer } from './server-owner.ts'

export interface RunningServer {
  readonly child: ChildProcess
  readonly port: number
  /** The connection that makes us the owner. */
  readonly owner: Client
}

export interface LaunchOptions {
  readonly log: Logger
  /** Any free port unless told otherwise. */
  readonly port?: number
}

/** Crash recovery replays at most about a gigabyte of log. */
const readyMs = 120_000
/** How long to try again where somebody else's end may help. */
const contentionMs = 3000

/**
 * Starts the server and becomes its owner. A port or a data folder that somebody is about to give up
 * is waited for.
 *
 * @throws POSTGRES_UNAVAILABLE when another process owns it, or it does not start.
 */
export async function launchServer(
  parts: ServerParts,
  { port, log }: LaunchOptions
): Promise<RunningServer> {
  const deadline = performance.now() + contentionMs
  for (;;) {
    await makeWay(parts, log)
    const chosen = port ?? (await freePort())
    const child = await startPostmaster(parts, chosen)
    const owner = await becomeOwner(parts, child, chosen)
    if (owner) return { child, port: chosen, owner }

    const said = await lastLogLines(parts.place)
    const mayPass = child.signalCode !== null || /already in use|exists|still in use/.test(said)
    if (!mayPass || performance.now() > deadline) throw didNotStart(child, said)
    await pause(100)
  }
}

/** Ends the server, if it still runs, and waits until it is gone. */
export async function endServer(
  parts: ServerParts,
  { child, owner }: RunningServer
): Promise<void> {
  if (!hasEnded(child)) await endProcess(parts, child)
  await owner.end()
}

async function endProcess(parts: ServerParts, child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit')
  await stopPostmaster(parts).catch(error => {
    if (!hasEnded(child)) throw error // else somebody killed it meanwhile
  })
  await ended
}

/** Stops a server that a killed process left behind, and refuses to go on beside one in use. */
async function makeWay(parts: ServerParts, log: Logger): Promise<void> {
  const found = await findRunningServer(parts.cluster)
  if (found === 'owned') {
    throw new RecommenderError(
      'POSTGRES_UNAVAILABLE',
      `another process runs the database in ${parts.place.home}; stop that process, or give this one a folder of its own`,
      { canRetry: true }
    )
  }
  if (found === 'abandoned') {
    log.warn({ home: parts.place.home }, 'stopping a Postgres that a killed process left behind')
    await stopPostmaster(parts)
  }
  await removeMistakenFile(parts.cluster)
}

/** Comes back with `undefined` when the server ended before we could own it. */
async function becomeOwner(
  parts: ServerParts,
  child: ChildProcess,
  port: number
): Promise<Client | undefined> {
  try {
    return (await isReady(parts, child)) ? await ownServer(parts.cluster, port) : undefined
  } catch (error) {
    await pause(100) // a lost connection is heard of before the end of the server that lost it
    if (hasEnded(child)) return undefined
    await stopPostmaster(parts)
    throw error
  }
}

function didNotStart(child: ChildProcess, said: string): RecommenderError {
  const how = child.signalCode ? `it was ended by ${child.signalCode}` : 'it said'
  return new RecommenderError('POSTGRES_UNAVAILABLE', `Postgres did not start: ${how}: ${said}`)
}

async function isReady(parts: ServerParts, child: ChildProcess): Promise<boolean> {
  const deadline = performance.now() + readyMs
  while (performance.now() < deadline) {
    if (hasEnded(child)) return false
    const file = await readPostmasterFile(parts.cluster)
    if (file?.pid === child.pid && file?.status === 'ready') return true
    await pause(20)
  }
  throw new RecommenderError(
    'POSTGRES_UNAVAILABLE',
    `Postgres is not ready after two minutes: ${await lastLogLines(parts.place)}`,
    { canRetry: true }
  )
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}
