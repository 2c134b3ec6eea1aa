// What the doctor asks of the parts beside this process: Postgres, Kafka, the running service.
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { findEncodingFault } from '#shared/database/encoding.ts'
import { readMigrations } from '#shared/database/migration-files.ts'
import { createPool, type Pool } from '#shared/database/pool.ts'
import { liveRelease } from '#shared/releases/registry.ts'
import type { Finding } from './doctor.ts'
import { migrationsFolder } from './migrations-folder.ts'

const timeoutMs = 3000

/** Postgres, its schema, and the live release; one finding for the part that the others need. */
export async function checkDatabase(databaseUrl: string | undefined): Promise<Finding[]> {
  const part = 'Postgres'
  if (databaseUrl === undefined) {
    const says = 'DATABASE_URL is not set: only `nextrie start` works, with a server of its own'
    return [{ part, health: 'absent', says }]
  }
  const pool = createPool(databaseUrl, {
    name: 'nextrie-doctor',
    connectMs: timeoutMs,
    queryMs: timeoutMs
  })
  try {
    const { rows } = await pool.query<{ version: string }>(
      `select current_setting('server_version') as version`
    )
    const server: Finding = { part, health: 'ok', says: `${rows[0]?.version} answers` }
    const fault = await findEncodingFault(pool)
    if (fault) return [server, { part: 'schema', health: 'broken', ...fault }]
    const schema = await checkSchema(pool)
    return schema.health === 'ok' ? [server, schema, await checkRelease(pool)] : [server, schema]
  } catch (error) {
    const says = `DATABASE_URL cannot be used: ${reason(error)}`
    const remedy = 'start the server, or correct the address, the user or the password'
    return [{ part, health: 'broken', says, remedy }]
  } finally {
    await pool.end()
  }
}

async function checkSchema(pool: Pool): Promise<Finding> {
  const known = (await readMigrations(migrationsFolder)).length
  const applied = await countMigrations(pool)
  const says = `${applied} of ${known} migrations applied`
  if (applied >= known) return { part: 'schema', health: 'ok', says }
  return { part: 'schema', health: 'broken', says, remedy: 'npx nextrie migrate' }
}

/** Zero when the database has never been migrated. */
async function countMigrations(pool: Pool): Promise<number> {
  const { rows } = await pool.query<{ has: boolean }>(
    `select to_regclass('schema_migrations') is not null as has`
  )
  if (!rows[0]?.has) return 0
  const counted = await pool.query<{ count: number }>('select count(*) from schema_migrations')
  return counted.rows[0]?.count ?? 0
}

async function checkRelease(pool: Pool): Promise<Finding> {
  const part = 'live release'
  const live = await liveRelease(pool)
  if (!live) return { part, health: 'absent', says: 'none yet', remedy: 'npx nextrie train' }
  const says = `${live.releaseId} in ${live.location}`
  if (existsSync(live.location)) return { part, health: 'ok', says }
  const remedy = 'bring the folder back, or train anew: npx nextrie train'
  return { part, health: 'broken', says: `${says}, which is gone`, remedy }
}

/** Whether each broker takes connections; what it says then is the ingestion program's business. */
export async function checkKafka(brokers: readonly string[]): Promise<Finding[]> {
  const part = 'Kafka'
  if (brokers.length === 0) {
    const says = 'KAFKA_BROKERS is not set: events come over HTTP only'
    return [{ part, health: 'absent', says }]
  }
  return Promise.all(brokers.map(checkBroker))
}

async function checkBroker(broker: string): Promise<Finding> {
  const part = 'Kafka'
  const fault = await connectionFault(broker)
  if (fault === undefined) return { part, health: 'ok', says: `${broker} takes connections` }
  const remedy = 'start the broker, or correct KAFKA_BROKERS'
  return { part, health: 'broken', says: `${broker} cannot be reached: ${fault}`, remedy }
}

async function connectionFault(address: string): Promise<string | undefined> {
  const separator = address.lastIndexOf(':')
  const [host, port] = [address.slice(0, separator), Number(address.slice(separator + 1))]
  if (separator < 1 || !(port > 0 && port < 65_536)) return 'it must be host:port'
  const socket = connect({ host, port, timeout: timeoutMs })
  try {
    return await new Promise(resolve => {
      socket.once('connect', () => resolve(undefined))
      socket.once('error', error => resolve(error.message))
      socket.once('timeout', () => resolve('no answer'))
    })
  } finally {
    socket.destroy()
  }
}

export async function checkServing(url: string): Promise<Finding> {
  const part = 'service'
  try {
    const signal = AbortSignal.timeout(timeoutMs)
    const response = await fetch(new URL('/health/ready', url), { signal })
    const { release } = (await response.json()) as { release?: string }
    if (response.ok) return { part, health: 'ok', says: `${url} serves release ${release}` }
    return { part, health: 'absent', says: `${url} answers, but is not ready (${response.status})` }
  } catch (error) {
    const says = `nobody answers at ${url} (${reason(error)})`
    return { part, health: 'absent', says, remedy: 'npm start, or npx nextrie serve' }
  }
}

/** fetch and pg put the reason into the cause, or into several errors for several addresses. */
function reason(error: unknown): string {
  const { cause = error } = error as { cause?: unknown }
  const first = cause instanceof AggregateError ? cause.errors[0] : cause
  return first instanceof Error ? first.message : String(first)
}
