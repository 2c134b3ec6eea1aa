// Reads a folder of migrations: 0001-event-log.sql, 0002-catalog.sql, …, each applied once and in
// order. The folder itself is checked here; what the database has seen is checked in migrate.ts.
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RecommenderError } from '#shared/runtime/errors.ts'

export interface Migration {
  readonly number: number
  /** The file's name: '0001-event-log.sql'. */
  readonly file: string
  readonly sql: string
  /** SHA-256 of the text with Unix line ends, so that a Windows checkout gives the same. */
  readonly hash: string
  /** Programs from before this migration cannot run after it. */
  readonly isBreaking: boolean
}

/**
 * All migrations of a folder by number.
 *
 * @throws MIGRATION_FAILED when a name is not of the form 0001-name.sql, or the numbers do not run
 * from 1 without a gap. Files that are not .sql are left alone.
 */
export async function readMigrations(folder: string): Promise<Migration[]> {
  const files = (await readdir(folder)).filter(name => name.endsWith('.sql')).sort()
  const migrations = await Promise.all(files.map(file => readMigration(folder, file)))
  migrations.forEach((migration, index) => {
    if (migration.number !== index + 1) {
      throw new RecommenderError(
        'MIGRATION_FAILED',
        `${migration.file} in ${folder} should have number ${index + 1}; migrations are numbered from 1 without gaps, each once`
      )
    }
  })
  return migrations
}

async function readMigration(folder: string, file: string): Promise<Migration> {
  const number = /^(\d{4})-[a-z0-9-]+\.sql$/.exec(file)?.[1]
  if (number === undefined) {
    throw new RecommenderError(
      'MIGRATION_FAILED',
      `${file} in ${folder} is not named like 0001-event-log.sql`
    )
  }
  const sql = (await readFile(join(folder, file), 'utf8')).replaceAll('\r\n', '\n')
  return {
    number: Number(number),
    file,
    sql,
    hash: createHash('sha256').update(sql).digest('hex'),
    isBreaking: sql.split('\n', 1)[0]?.trim() === '--! breaking'
  }
}
