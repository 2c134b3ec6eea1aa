// The registry of releases in Postgres: which exist, and which one answers. The files themselves
// stand in folders.
import { type Connection, type Pool, withTransaction } from '#shared/database/pool.ts'
import type { Manifest } from './manifest.ts'

export type ReleaseState = 'candidate' | 'shadow' | 'live' | 'retired'

export interface AnnouncedRelease {
  readonly releaseId: string
  readonly state: ReleaseState
  /** Absolute path of the release's folder. */
  readonly location: string
  readonly manifest: Manifest
  readonly publishedAt: Date
}

/**
 * Makes a release the live one and retires the one before it, in one transaction. Of two at once the
 * second waits for the first. A release that was announced already stays what it is by now, so this may be
 * repeated when the connection broke during the commit.
 */
export async function announceRelease(
  pool: Pool,
  release: { readonly manifest: Manifest; readonly location: string }
): Promise<void> {
  await withTransaction(pool, async connection => {
    await lockReleases(connection)
    if (await isAnnounced(connection, release.manifest.releaseId)) return
    await retireLive(connection)
    await insertLive(connection, release)
  })
}

/** Lets others read and lets nobody else write. */
export async function lockReleases(connection: Connection): Promise<void> {
  await connection.query('lock table releases in share row exclusive mode')
}

async function isAnnounced(connection: Connection, releaseId: string): Promise<boolean> {
  const { rows } = await connection.query('select from releases where release_id = $1', [releaseId])
  return rows.length > 0
}

async function retireLive(connection: Connection): Promise<void> {
  await connection.query(`update releases set state = 'retired' where state = 'live'`)
}

async function insertLive(
  connection: Connection,
  { manifest, location }: { readonly manifest: Manifest; readonly location: string }
): Promise<void> {
  await connection.query(
    `insert into releases (release_id, state, location, manifest, published_at)
     values ($1, 'live', $2, $3, clock_timestamp())`, // now() is the time before the lock
    [manifest.releaseId, location, JSON.stringify(manifest)]
  )
}

const selectReleases = `
  select release_id, state, location, manifest, published_at from releases`

interface ReleaseRow {
  readonly release_id: string
  readonly state: ReleaseState
  readonly location: string
  readonly manifest: Manifest
  readonly published_at: Date
}

/** All releases, the newest first. */
export async function listReleases(connection: Connection): Promise<AnnouncedRelease[]> {
  const { rows } = await connection.query<ReleaseRow>(
    `${selectReleases} order by published_at desc, release_id desc`
  )
  return rows.map(releaseOf)
}

/** Takes releases out of the registry. The caller holds its lock. */
export async function deleteReleases(
  connection: Connection,
  releaseIds: readonly string[]
): Promise<void> {
  await connection.query('delete from releases where release_id = any($1)', [releaseIds])
}

/** The release that answers; undefined before the first one. */
export async function liveRelease(connection: Connection): Promise<AnnouncedRelease | undefined> {
  const { rows } = await connection.query<ReleaseRow>(`${selectReleases} where state = 'live'`)
  return rows[0] && releaseOf(rows[0])
}

function releaseOf(row: ReleaseRow): AnnouncedRelease {
  return {
    releaseId: row.release_id,
    state: row.state,
    location: row.location,
    manifest: row.manifest,
    publishedAt: row.published_at
  }
}
