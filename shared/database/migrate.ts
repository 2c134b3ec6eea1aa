// Brings a database to the schema this program was built for. Forward only: a migration is applied
// once, in a transaction of its own that records its number first, so that a half-applied migration
// cannot exist. Programs that start together take turns: the lock ends with each transaction, so that
// nobody keeps it, also where a pooler gives every transaction another session.
import { RecommenderError } from '#shared/runtime/errors.ts'
import type { Logger } from '#shared/runtime/logging.ts'
import { findEncodingFault } from './encoding.ts'
import { type Migration, readMigrations } from './migration-files.ts'
import { type Connection, type Pool, withTransaction } from './pool.ts'

/** Any number will do, as long as nobody else locks it. These are the letters "migr". */
const migrationLock = 0x6d_69_67_72
/** Longer than most migrations take. */
const tellAfterMs = 2000

interface Applied {
  readonly number: number
  readonly file: string
  readonly hash: string
  readonly is_breaking: boolean
}

/**
 * Applies what is missing, in turn with other programs that migrate.
 *
 * @param folder of the numbered .sql files.
 * @returns the numbers applied now; empty when the schema was up to date.
 * @throws MIGRATION_FAILED when a migration fails, when an applied one was edited or renamed, when
 * the database has a later breaking one, or is not in UTF-8; it then keeps the last good state.
 * @throws DATABASE_UNAVAILABLE when no connection can be made.
 */
export async function migrate(pool: Pool, folder: string, log: Logger): Promise<number[]> {
  const migrations = await readMigrations(folder)
  await requireEncoding(pool)
  const applied: number[] = []
  for (;;) {
    const migration = await applyNext(pool, migrations, log)
    if (!migration) return applied
    log.info({ migration: migration.file }, 'applied migration')
    applied.push(migration.number)
  }
}

async function requireEncoding(connection: Connection): Promise<void> {
  const fault = await findEncodingFault(connection)
  if (fault) throw new RecommenderError('MIGRATION_FAILED', `${fault.says}; ${fault.remedy}`)
}

/** @returns what was applied; `undefined` when nothing is missing. */
async function applyNext(
  pool: Pool,
  migrations: readonly Migration[],
  log: Logger
): Promise<Migration | undefined> {
  return withTransaction(pool, async connection => {
    await lock(connection, log)
    await createMigrationTable(connection)
    const applied = await readApplied(connection)
    checkHistory(applied, migrations)
    const migration = migrations[applied.length]
    if (migration) await apply(connection, migration)
    return migration
  })
}

async function lock(connection: Connection, log: Logger): Promise<void> {
  const tell = () =>
    log.warn(
      {
        holder: `select pid from pg_locks where locktype = 'advisory' and objid = ${migrationLock}`
      },
      'waiting for another program that migrates this database'
    )
  const timer = setTimeout(tell, tellAfterMs)
  try {
    await connection.query('select pg_advisory_xact_lock($1)', [migrationLock])
  } finally {
    clearTimeout(timer)
  }
}

/** Two programs that disagree on what a number means must not share a database. */
function checkHistory(applied: readonly Applied[], migrations: readonly Migration[]): void {
  for (const old of applied) {
    const known = migrations[old.number - 1]
    if (known === undefined && old.is_breaking) {
      throw new RecommenderError(
        'MIGRATION_FAILED',
        `the database has migration ${old.file}, after which this older program cannot run; install the newer version`
      )
    }
    if (known !== undefined && (known.hash !== old.hash || known.file !== old.file)) {
      throw new RecommenderError(
        'MIGRATION_FAILED',
        `${known.file} is not what was applied as ${old.file}; restore it and put the change into a new migration`
      )
    }
  }
}

async function apply(connection: Connection, migration: Migration): Promise<void> {
  try {
    await recordMigration(connection, migration)
    await connection.query(migration.sql)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new RecommenderError('MIGRATION_FAILED', `${migration.file} failed: ${reason}`, { cause })
  }
}

async function createMigrationTable(connection: Connection): Promise<void> {
  await connection.query(
    `create table if not exists schema_migrations (
       number      integer     primary key,
       file        text        not null,
       hash        text        not null,
       is_breaking boolean     not null,
       applied_at  timestamptz not null default now()
     )`
  )
}

async function readApplied(connection: Connection): Promise<Applied[]> {
  const { rows } = await connection.query<Applied>(
    'select number, file, hash, is_breaking from schema_migrations order by number'
  )
  return rows
}

async function recordMigration(connection: Connection, migration: Migration): Promise<void> {
  await connection.query(
    'insert into schema_migrations (number, file, hash, is_breaking) values ($1, $2, $3, $4)',
    [migration.number, migration.file, migration.hash, migration.isBreaking]
  )
}
