// The data of an embedded Postgres: made once by initdb, kept over restarts. Data and password are
// made together in a temporary folder and renamed into place, so a half-made cluster cannot exist.
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chown, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { renameUnlessThere } from './postgres-package.ts'
import { runAs } from './run-program.ts'
import type { ServerPlace, ServerUser } from './server-place.ts'

export interface Cluster {
  /** The data folder (PGDATA). */
  readonly data: string
  readonly password: string
}

export const superuser = 'nextrie'

/**
 * @param server folder of the programs, of version `version`.
 * @returns the cluster of this place, made now if there is none.
 * @throws POSTGRES_UNAVAILABLE when initdb fails, or the data are of another major version.
 */
export async function openCluster(
  place: ServerPlace,
  server: string,
  version: string
): Promise<Cluster> {
  const folder = join(place.home, 'cluster')
  if (!existsSync(folder)) await createCluster(place, server, folder)
  const cluster = await readCluster(place.home)
  const dataVersion = (await readFile(join(cluster.data, 'PG_VERSION'), 'utf8')).trim()
  if (dataVersion !== version.split('.')[0]) throw wrongVersion(folder, dataVersion, version)
  return cluster
}

/** The cluster below a home that has one. */
export async function readCluster(home: string): Promise<Cluster> {
  const folder = join(home, 'cluster')
  return {
    data: join(folder, 'data'),
    password: await readFile(join(folder, 'password'), 'utf8')
  }
}

async function createCluster(place: ServerPlace, server: string, folder: string): Promise<void> {
  const unfinished = await mkdtemp(join(place.home, 'tmp-'))
  const password = join(unfinished, 'password')
  await writeFile(password, randomBytes(24).toString('base64url'), { mode: 0o600 })
  await giveTo(place.user, password)
  await giveTo(place.user, unfinished)
  await runAs(place, join(server, 'bin', 'initdb'), [
    `--pgdata=${join(unfinished, 'data')}`,
    `--username=${superuser}`,
    `--pwfile=${password}`,
    '--auth=scram-sha-256',
    // Text sorts by code point, the same on every system and as JavaScript compares it.
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8'
  ])
  await renameUnlessThere(unfinished, folder)
}

async function giveTo(user: ServerUser, path: string): Promise<void> {
  if (user) await chown(path, user.uid, user.gid)
}

function wrongVersion(folder: string, found: string, version: string): RecommenderError {
  return new RecommenderError(
    'POSTGRES_UNAVAILABLE',
    `the data in ${folder} were written by Postgres ${found} and this is ${version}; dump them with the old version, or delete the folder to begin anew`
  )
}
