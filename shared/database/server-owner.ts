// Who owns a running embedded Postgres. The process that started it keeps one connection open and
// holds an advisory lock on it: when the process ends, however it ends, the operating system closes
// the connection and the lock is gone. A server without an owner was left behind by a killed process.
// (A file with a process number would not do: numbers are given out again, in containers at once.)
import { realpath } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { type Cluster, superuser } from './cluster.ts'
import { readPostmasterFile } from './postmaster.ts'

/** Any number will do, as long as nobody else locks it. These are the letters "ownr". */
const ownerLock = 0x6f_77_6e_72

/** Between a server's first answer and its owner's lock pass milliseconds; we allow for more. */
const youngMs = 2000
/** A server that starts up, recovers or shuts down is waited for this long. */
const busyMs = 120_000

/** Says that there is no TLS, so that a PGSSLMODE meant for another server does no harm. */
export function databaseUrl({ password }: Cluster, port: number): string {
  return `postgres://${superuser}:${password}@127.0.0.1:${port}/postgres?sslmode=disable`
}

/** Connects as the owner. The lock lasts as long as the connection. */
export async function ownServer(cluster: Cluster, port: number): Promise<pg.Client> {
  const client = await connect(cluster, port)
  await client.query('select pg_advisory_lock($1)', [ownerLock])
  return client
}

/**
 * Looks for a server that runs on these data.
 *
 * @returns 'none', 'owned', or 'abandoned' by a process that was killed.
 * @throws POSTGRES_UNAVAILABLE when a server is there and neither answers nor ends in two minutes.
 */
export async function findRunningServer(cluster: Cluster): Promise<'none' | 'owned' | 'abandoned'> {
  const deadline = performance.now() + busyMs
  while (performance.now() < deadline) {
    const file = await readPostmasterFile(cluster)
    if (file === undefined) return 'none'
    const answer = await askServer(cluster, file.port)
    if (answer !== 'busy') return answer
    await pause(50)
  }
  throw new RecommenderError(
    'POSTGRES_UNAVAILABLE',
    `the Postgres that runs on ${cluster.data} is neither ready nor gone after two minutes`,
    { canRetry: true }
  )
}

type Answer = 'none' | 'owned' | 'abandoned' | 'busy'

async function askServer(cluster: Cluster, port: number): Promise<Answer> {
  try {
    const client = await connect(cluster, port)
    try {
      if (!(await servesData(client, cluster))) return 'none'
      if (await hasOwner(client)) return 'owned'
      return (await isYoung(client)) ? 'busy' : 'abandoned'
    } finally {
      await client.end()
    }
  } catch (error) {
    return isBusy(error) ? 'busy' : 'none' // nobody listens, or somebody else's server
  }
}

async function connect(cluster: Cluster, port: number): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: databaseUrl(cluster, port),
    connectionTimeoutMillis: 10_000,
    application_name: 'nextrie owner'
  })
  client.on('error', () => undefined) // the server ended: whoever watches the process knows
  await client.connect()
  return client
}

/** A copy of the folder has the same password, so the password alone does not tell. */
async function servesData(client: pg.Client, { data }: Cluster): Promise<boolean> {
  const { rows } = await client.query<{ data_directory: string }>('show data_directory')
  const served = await realpath(rows[0]?.data_directory ?? '').catch(() => undefined)
  return served === (await realpath(data))
}

async function hasOwner(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query(
    "select from pg_locks where locktype = 'advisory' and classid = 0 and objid = $1 and granted",
    [ownerLock]
  )
  return rows.length > 0
}

async function isYoung(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ is_young: boolean }>(
    `select clock_timestamp() < pg_postmaster_start_time() + $1 * interval '1 ms' as is_young`,
    [youngMs]
  )
  return rows[0]?.is_young === true
}

/** cannot_connect_now: it starts up, recovers or shuts down; admin_shutdown: we were in the way. */
function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^57P0[13]$/.test(String(error.code))
}
