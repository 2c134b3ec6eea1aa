// Where an embedded Postgres lives and as whom it runs. For an ordinary user that is simple: in the
// given folder, as that user. Postgres refuses to run as root, so for root this is the rule:
//
//   who    the owner of the data that is there; else `postgres`, else `nobody`
//   where  the given folder, when that user may pass through every folder above it; else a folder
//          in /var/lib/nextrie, and the given folder gets a link to it, named `elsewhere`
//
// The second case is a project below /root, which is closed to everybody else. Deleting the given
// folder then still means a fresh start, because the link goes with it.
import { existsSync } from 'node:fs'
import { chmod, lstat, mkdir, mkdtemp, readFile, readlink, stat, symlink } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { RecommenderError } from '#shared/runtime/errors.ts'

/** Whom the server runs as; `undefined` where it runs as ourselves. */
export type ServerUser = { readonly uid: number; readonly gid: number } | undefined

export interface ServerPlace {
  /** Absolute folder with everything of this server: programs, data, password, log. */
  readonly home: string
  readonly user: ServerUser
}

const systemFolder = '/var/lib/nextrie'
/** Others may pass through, not look around. */
const passable = 0o711

/**
 * Decides by the rule above and creates the folders that are missing.
 *
 * @throws POSTGRES_UNAVAILABLE when the data belong to a user that we cannot be, or root finds no
 * unprivileged user.
 */
export async function findServerPlace(folder: string): Promise<ServerPlace> {
  const given = resolve(folder)
  await mkdir(given, { recursive: true })
  const home = (await linkedHome(given)) ?? given
  const owner = await ownerOf(join(home, 'cluster'))
  const uid = process.getuid?.()
  if (owner && uid !== 0 && uid !== owner.uid) throw foreignData(home, owner.uid)
  if (uid !== 0) return { home, user: undefined }
  return placeForRoot(given, home, owner)
}

async function placeForRoot(given: string, home: string, owner: ServerUser): Promise<ServerPlace> {
  const user = owner && owner.uid !== 0 ? owner : await unprivilegedUser()
  if (home === given && !owner && !(await maybePass(dirname(given), user))) {
    return { home: await createElsewhere(given), user }
  }
  await chmod(home, passable)
  return { home, user }
}

async function linkedHome(given: string): Promise<string | undefined> {
  return readlink(join(given, 'elsewhere')).catch(() => undefined)
}

async function createElsewhere(given: string): Promise<string> {
  await mkdir(systemFolder, { recursive: true })
  await chmod(systemFolder, passable)
  const home = await mkdtemp(join(systemFolder, 'postgres-'))
  await chmod(home, passable)
  await symlink(home, join(given, 'elsewhere'))
  return home
}

async function ownerOf(path: string): Promise<ServerUser> {
  if (!existsSync(path)) return undefined
  const { uid, gid } = await lstat(path)
  return process.getuid ? { uid, gid } : undefined // Windows has no such numbers
}

/** By the permission bits alone: where finer rules (ACLs) would let the user in, we stay out. */
async function maybePass(folder: string, user: NonNullable<ServerUser>): Promise<boolean> {
  const { mode, uid, gid } = await stat(folder)
  const bit = uid === user.uid ? 0o100 : gid === user.gid ? 0o010 : 0o001
  if ((mode & bit) === 0) return false
  return folder === dirname(folder) || maybePass(dirname(folder), user)
}

async function unprivilegedUser(): Promise<NonNullable<ServerUser>> {
  const lines = (await readFile('/etc/passwd', 'utf8')).split('\n').map(line => line.split(':'))
  for (const wanted of ['postgres', '_postgres', 'nobody']) {
    const [, , uid, gid] = lines.find(([name]) => name === wanted) ?? []
    if (Number(uid) > 0) return { uid: Number(uid), gid: Number(gid) }
  }
  throw new RecommenderError(
    'POSTGRES_UNAVAILABLE',
    'Postgres does not run as root, and this system has no user postgres or nobody; start as an ordinary user, or set DATABASE_URL to a Postgres of your own'
  )
}

function foreignData(home: string, uid: number): RecommenderError {
  return new RecommenderError(
    'POSTGRES_UNAVAILABLE',
    `the database in ${home} belongs to user ${uid}; start as that user (or as root, if root started it before), or delete the folder to begin anew`
  )
}
