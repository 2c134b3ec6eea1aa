// Old releases go, so that a trainer that runs every night does not fill the disk.
//
// The rules.
// - What stays: the live release, whatever waits to become it (candidate, shadow), and the newest so many
//   of all. Only what is retired and older than those goes.
// - Safe for those who load. A program loads the release that was live when it looked, and reads all of its
//   files before it answers. At least two are kept: the live one and the one before it, so one that was
//   just retired can still be loaded to its end. Should a program be slower than two trainings, it finds
//   a file missing, refuses the release, goes on with what it has, and looks for the live one again.
//   Once loaded a release is in memory, and its folder may go.
// - Whole or gone. Under the lock that announcing takes, each folder gets a hidden name, in one step; then
//   its row goes, and all rows commit together; then the files go. Whoever dies in between leaves hidden
//   folders, or rows whose folder is hidden already: the next removal deals with both.
// - Only ours. A folder elsewhere than in the given one (another machine's, say) is left alone, and so
//   is its row.
// - A trainer that died while writing has left a hidden folder. Writing takes seconds, so what has not
//   been touched for a day is nobody's, and goes. What does not look like one is left alone.
import { readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Pool, withTransaction } from '#shared/database/pool.ts'
import { type AnnouncedRelease, deleteReleases, listReleases, lockReleases } from './registry.ts'

/** @returns the ids of what was removed, and how many folders of died trainers. */
export async function removeOldReleases(
  pool: Pool,
  { folder, kept }: { readonly folder: string; readonly kept: number }
): Promise<{ readonly removed: readonly string[]; readonly leftovers: number }> {
  const removed = await withTransaction(pool, async connection => {
    await lockReleases(connection)
    const old = oldReleases(await listReleases(connection), kept)
    const ours = old.filter(({ location }) => dirname(location) === folder)
    for (const { releaseId, location } of ours) {
      await hide(location, join(folder, `.${releaseId}.removed`))
    }
    const ids = ours.map(({ releaseId }) => releaseId)
    await deleteReleases(connection, ids)
    return ids
  })
  return { removed, leftovers: await removeHidden(folder) }
}

/** @param releases the newest first. */
function oldReleases(releases: readonly AnnouncedRelease[], kept: number): AnnouncedRelease[] {
  return releases.slice(kept).filter(({ state }) => state === 'retired')
}

async function hide(location: string, hidden: string): Promise<void> {
  try {
    await rename(location, hidden)
  } catch (error) {
    if (!isMissing(error)) throw error // gone already: only its row is left
  }
}

const dayMs = 86_400_000

/** As writeRelease names a folder that it writes (by its process), and `hide` one that goes. */
const hiddenName = /^\.\d{8}T\d{6}Z-[0-9a-f]{6}\.(?<by>\d+|removed)$/

/** @returns how many were left by trainers. */
async function removeHidden(folder: string): Promise<number> {
  let leftovers = 0
  for (const name of await readdir(folder)) {
    const by = hiddenName.exec(name)?.groups?.by
    if (by === undefined) continue
    const path = join(folder, name)
    if (by !== 'removed' && !(await isOld(path))) continue
    await rm(path, { recursive: true, force: true })
    if (by !== 'removed') leftovers++
  }
  return leftovers
}

/** A folder that is gone by now is none of ours to remove. */
async function isOld(path: string): Promise<boolean> {
  try {
    return (await stat(path)).mtimeMs < Date.now() - dayMs
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}
