// A database of its own for each test file, on the server that global-setup.ts started.
import { randomBytes } from 'node:crypto'
import { inject } from 'vitest'
import { createPool, type Pool } from '#shared/database/pool.ts'

/** What global set-up hands to the tests. */
export interface ProvidedPostgres {
  /** Where databases can be created. */
  readonly url: string
  /** A migrated database to clone. */
  readonly template: string
}

declare module 'vitest' {
  interface ProvidedContext {
    postgres: ProvidedPostgres
  }
}

export interface TestDatabase {
  readonly url: string
  readonly pool: Pool
  /** Ends the pool and removes the database. Fails when somebody else is still connected. */
  drop(): Promise<void>
}

/** A migrated and otherwise empty database. */
export async function createTestDatabase(): Promise<TestDatabase> {
  const { url, template } = inject('postgres')
  return createDatabase(url, template)
}

/** A database without any relation, for tests of the migrations. @param encoding other than the server's. */
export async function createEmptyDatabase(encoding?: string): Promise<TestDatabase> {
  const options = encoding ? ` encoding '${encoding}' locale 'C'` : ''
  return createDatabase(inject('postgres').url, `template0${options}`)
}

async function createDatabase(serverUrl: string, template: string): Promise<TestDatabase> {
  const name = `${namePrefix(inject('postgres').template)}${randomBytes(6).toString('hex')}`
  await runOn(serverUrl, `create database ${name} template ${template}`)
  const url = urlOf(serverUrl, name)
  const pool = createPool(url, { name })
  const drop = async () => {
    await pool.end()
    await runOn(serverUrl, `drop database ${name}`)
  }
  return { url, pool, drop }
}

/** What the names of a run's databases begin with, its template's too. */
export function namePrefix(template: string): string {
  return template.replace(/template$/, '')
}

/** The same server, another database. */
export function urlOf(serverUrl: string, database: string): string {
  const url = new URL(serverUrl)
  url.pathname = `/${database}`
  return url.href
}

/** Runs one statement on a connection of its own. */
export async function runOn(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const pool = createPool(url, { size: 1, name: 'nextrie test support' })
  try {
    return (await pool.query(sql)).rows
  } finally {
    await pool.end()
  }
}
