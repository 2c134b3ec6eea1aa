// A real PostgreSQL in a folder, for a laptop, the demo and tests: nothing to install, the same
// server as in production. In the given folder (or where server-place.ts puts it for root) lie
//
//   server-<version>/   the programs        cluster/data       the data
//   server.log          what it last said   cluster/password   0600, made with the data
//
// The life of a server:
//
//   none      -> starting   the programs are copied and the data made, where they are missing
//   starting  -> ready      postmaster.pid says so; we connect and become its owner
//   ready     -> stopped    stop(): a fast shutdown; process.exit(): the same, not waited for
//   ready     -> starting   the server ended by itself or was killed: started again, same port,
//                           and Postgres recovers what was committed
//   abandoned -> stopped    we were killed and could not stop it: the next start does, then starts
//                           its own
//
// A second start on a folder whose server has an owner is refused.
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { Logger } from '#shared/runtime/logging.ts'
import { openCluster } from './cluster.ts'
import { endServer, launchServer, type RunningServer } from './launch-server.ts'
import { copyServer, findPostgresPackage } from './postgres-package.ts'
import { hasEnded, lastLogLines, type ServerParts } from './postmaster.ts'
import { databaseUrl } from './server-owner.ts'
import { findServerPlace } from './server-place.ts'

export interface EmbeddedPostgresOptions {
  /** Where it lives; made when missing. Give it a folder of its own. */
  readonly folder: string
  readonly log: Logger
  /** Any free port unless told otherwise. */
  readonly port?: number
  /** True unless told otherwise. False is faster, and loses data when the machine crashes. */
  readonly isDurable?: boolean
}

export interface EmbeddedPostgres {
  /** The superuser's address, password included. The same for as long as the server is kept. */
  readonly url: string
  readonly port: number
  /** Where the files really are: the given folder, or the one it links to. */
  readonly home: string
  /** Ends the server and waits for it. Calling it again waits for the same end. */
  stop(): Promise<void>
}

/** A crash of the server now and then is survived; this many within a minute are not. */
const restartsPerMinute = 5

/**
 * Starts a server and keeps it running until it is stopped.
 *
 * @throws POSTGRES_UNAVAILABLE when this machine cannot run one, when another process owns the
 * server of this folder, or when the server does not start; the message holds what it said.
 */
export async function startEmbeddedPostgres(
  options: EmbeddedPostgresOptions
): Promise<EmbeddedPostgres> {
  const found = await findPostgresPackage()
  const place = await findServerPlace(options.folder)
  const programs = await copyServer(found, place.home)
  const cluster = await openCluster(place, programs, found.version)
  const parts = { place, programs, cluster, isDurable: options.isDurable ?? true }
  const server = await launchServer(parts, options)
  await removeLeftovers(place.home, programs)
  options.log.debug({ port: server.port, home: place.home }, 'embedded Postgres runs')
  return keepRunning(parts, server, options.log)
}

function keepRunning(parts: ServerParts, first: RunningServer, log: Logger): EmbeddedPostgres {
  const { port } = first
  let server = first
  let launching: Promise<void> = Promise.resolve()
  let stopped: Promise<void> | undefined
  const restarts: number[] = []

  const onEnd = (code: number | null, signal: string | null) => {
    if (stopped) return
    log.error({ code, signal }, 'embedded Postgres ended by itself; starting it again')
    launching = restart().catch(error => {
      log.fatal({ err: error }, 'embedded Postgres cannot be started again')
    })
  }
  const restart = async () => {
    restarts.push(performance.now())
    if (restarts.filter(at => at > performance.now() - 60_000).length > restartsPerMinute) {
      throw new RecommenderError('POSTGRES_UNAVAILABLE', await lastLogLines(parts.place))
    }
    server = await launchServer(parts, { port, log })
    watch()
  }
  const watch = () => {
    if (hasEnded(server.child)) onEnd(server.child.exitCode, server.child.signalCode)
    else server.child.once('exit', onEnd)
  }
  const stop = async () => {
    await launching
    await endServer(parts, server)
  }

  watch()
  return {
    url: databaseUrl(parts.cluster, port),
    port,
    home: parts.place.home,
    stop: () => {
      stopped ??= stop()
      return stopped
    }
  }
}

/** Older programs, and what a start that was killed had half done. */
async function removeLeftovers(home: string, programs: string): Promise<void> {
  const anHourAgo = Date.now() - 3_600_000
  for (const name of await readdir(home)) {
    const path = join(home, name)
    const isOldServer = name.startsWith('server-') && path !== programs
    const isUnfinished = name.startsWith('tmp-') && (await stat(path)).mtimeMs < anHourAgo
    if (isOldServer || isUnfinished) await rm(path, { recursive: true, force: true })
  }
}
