// The server process of an embedded Postgres: starting it, reading what it says about itself, and
// asking it to end. Which process may do this, and when, is decided in embedded-postgres.ts.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile, readlink, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Cluster } from './cluster.ts'
import { cannotRun, runAs } from './run-program.ts'
import type { ServerPlace } from './server-place.ts'

/** What one server needs to run. */
export interface ServerParts {
  readonly place: ServerPlace
  /** Folder of the programs. */
  readonly programs: string
  readonly cluster: Cluster
  /** False risks the data when the machine (not just the server) crashes. For tests. */
  readonly isDurable: boolean
}

/**
 * Starts the server on 127.0.0.1 and the given port, without a Unix socket. It gets a process group
 * of its own: a Ctrl-C in the terminal reaches us, and we end it after whoever still writes to it.
 * When our process exits the server is told to end as well; a signal that nobody handles, like
 * kill -9, leaves it behind.
 */
export async function startPostmaster(parts: ServerParts, port: number): Promise<ChildProcess> {
  const program = join(parts.programs, 'bin', 'postgres')
  // Into a file and not a pipe: a pipe fills up, and stops the server, while we compute.
  const log = await open(logFile(parts.place), 'w')
  try {
    const child = spawn(program, serverArguments(parts, port), {
      cwd: parts.place.home,
      stdio: ['ignore', log.fd, log.fd],
      detached: true,
      windowsHide: true,
      ...parts.place.user
    })
    await once(child, 'spawn')
    endWithUs(child)
    return child
  } catch (cause) {
    throw cannotRun(program, cause as Error)
  } finally {
    await log.close()
  }
}

function endWithUs(child: ChildProcess): void {
  const interrupt = () => void child.kill('SIGINT')
  process.on('exit', interrupt)
  child.once('exit', () => process.off('exit', interrupt))
}

/** True once the process has ended. */
export function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null
}

/** The end of what the server wrote, for error messages; '' when it wrote nothing. */
export async function lastLogLines(place: ServerPlace): Promise<string> {
  const lines = (await readFile(logFile(place), 'utf8')).trim().split('\n')
  return lines.slice(-8).join('\n')
}

/**
 * Ends the server of this data folder: open connections are closed, what was committed is on disk.
 * One that has not ended after half a minute is ended at once; it recovers at its next start.
 */
export async function stopPostmaster({ place, programs, cluster }: ServerParts): Promise<void> {
  const control = join(programs, 'bin', 'pg_ctl')
  const stop = ['stop', `--pgdata=${cluster.data}`, '--wait', '--timeout=30', '--silent']
  try {
    await runAs(place, control, [...stop, '--mode=fast'])
  } catch (error) {
    if ((await readPostmasterFile(cluster)) === undefined) return // it ended before we asked
    await runAs(place, control, [...stop, '--mode=immediate']).catch(() => {
      throw error
    })
  }
}

export interface PostmasterFile {
  readonly pid: number
  readonly port: number
  /** 'starting', 'ready' or 'stopping'. */
  readonly status: string
}

/** What postmaster.pid says; `undefined` without the file. A killed server leaves it behind. */
export async function readPostmasterFile({ data }: Cluster): Promise<PostmasterFile | undefined> {
  const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')
  const [pid, , , port, , , , status = ''] = text.split('\n').map(line => line.trim())
  return pid ? { pid: Number(pid), port: Number(port), status } : undefined
}

/**
 * Removes a postmaster.pid whose process number now belongs to another program, as happens when a
 * container starts again. Postgres would take that program for itself and refuse to start. Only
 * Linux tells: there a server's working directory is its data folder.
 */
export async function removeMistakenFile(cluster: Cluster): Promise<void> {
  const file = await readPostmasterFile(cluster)
  if (file === undefined) return
  const workingFolder = await readlink(`/proc/${file.pid}/cwd`).catch(() => undefined)
  if (workingFolder === undefined || workingFolder === (await realpath(cluster.data))) return
  await rm(join(cluster.data, 'postmaster.pid'), { force: true })
}

function serverArguments({ cluster, isDurable }: ServerParts, port: number): string[] {
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '', // their path may hold 107 bytes at most, a project's may be longer
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(!isDurable && { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' })
  }
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  return ['-D', cluster.data, ...options]
}

function logFile(place: ServerPlace): string {
  return join(place.home, 'server.log')
}
