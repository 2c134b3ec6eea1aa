// Once per test run: a Postgres server with a migrated template. The server of TEST_DATABASE_URL
// (its user must be allowed to create databases) when that is set, otherwise an embedded one in a
// temporary folder.
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { startEmbeddedPostgres } from '#shared/database/embedded-postgres.ts'
import { migrate } from '#shared/database/migrate.ts'
import { createPool } from '#shared/database/pool.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { namePrefix, runOn, urlOf } from './postgres.ts'

const log = createLogger({ name: 'test', level: 'error' })
const folderPrefix = 'nextrie-test-'

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env.TEST_DATABASE_URL
  const server = given ? { url: given, stop: () => dropDatabases(given, template) } : await start()
  await createTemplate(server.url)
  project.provide('postgres', { url: server.url, template })
  return server.stop
}

/** Named by the run, so that two runs may share a server. */
const template = `nextrie_test_${randomBytes(4).toString('hex')}_template`

async function createTemplate(url: string): Promise<void> {
  await runOn(url, `create database ${template} template template0`)
  const pool = createPool(urlOf(url, template))
  await migrate(pool, join(import.meta.dirname, '../../migrations'), log)
  await pool.end()
}

async function start(): Promise<{ url: string; stop(): Promise<void> }> {
  await removeAbandonedFolders()
  const folder = await mkdtemp(join(tmpdir(), folderPrefix))
  const server = await startEmbeddedPostgres({ folder, log, isDurable: false })
  const stop = async () => {
    await server.stop()
    await rm(server.home, { recursive: true, force: true })
    await rm(folder, { recursive: true, force: true })
  }
  return { url: server.url, stop }
}

/** What failed tests left on a server that is not ours. */
async function dropDatabases(url: string, template: string): Promise<void> {
  const names = await runOn(
    url,
    `select datname from pg_database where starts_with(datname, '${namePrefix(template)}')`
  )
  for (const { datname } of names) await runOn(url, `drop database ${datname} with (force)`)
}

/** A run that was killed could neither stop its server nor remove its folder. */
async function removeAbandonedFolders(): Promise<void> {
  const anHourAgo = Date.now() - 3_600_000
  for (const name of await readdir(tmpdir())) {
    const folder = join(tmpdir(), name)
    if (!name.startsWith(folderPrefix) || (await stat(folder)).mtimeMs > anHourAgo) continue
    await removeAbandonedFolder(folder)
  }
}

async function removeAbandonedFolder(folder: string): Promise<void> {
  try {
    const server = await startEmbeddedPostgres({ folder, log, isDurable: false })
    await server.stop() // and with it whatever ran there before
    await rm(server.home, { recursive: true, force: true })
    await rm(folder, { recursive: true, force: true })
  } catch (error) {
    if (!(error instanceof RecommenderError)) throw error // in use, or another user's
  }
}
