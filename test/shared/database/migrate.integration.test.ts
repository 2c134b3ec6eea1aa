import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { migrate } from '#shared/database/migrate.ts'
import { createLogger } from '#shared/runtime/logging.ts'
import { createEmptyDatabase, type TestDatabase } from '#test/support/postgres.ts'

const log = createLogger({ name: 'test', level: 'silent' })
const ourMigrations = join(import.meta.dirname, '../../../migrations')

let database: TestDatabase
let folder: string
beforeEach(async () => {
  database = await createEmptyDatabase()
  folder = await mkdtemp(join(tmpdir(), 'nextrie-migrations-'))
  await write('0001-first.sql', 'create table first (n integer);')
})
afterEach(async () => {
  await database.drop()
  await rm(folder, { recursive: true })
})

test('our own migrations bring an empty database up to date, and a second run does nothing', async () => {
  const applied = await migrate(database.pool, ourMigrations, log)
  const again = await migrate(database.pool, ourMigrations, log)

  expect(applied).toEqual(applied.map((_, index) => index + 1))
  expect(applied.length).toBeGreaterThanOrEqual(3)
  expect(again).toEqual([])
})

test('what was added later is applied later', async () => {
  await migrate(database.pool, folder, log)
  await write('0002-second.sql', 'alter table first add m integer;')

  expect(await migrate(database.pool, folder, log)).toEqual([2])
})

test('two programs that start together apply each migration once', async () => {
  await write('0002-slow.sql', 'select pg_sleep(0.2); insert into first values (1);')

  const outcomes = await Promise.all([
    migrate(database.pool, folder, log),
    migrate(database.pool, folder, log),
    migrate(database.pool, folder, log)
  ])

  expect(outcomes.flat().sort()).toEqual([1, 2])
  expect((await database.pool.query('select n from first')).rows).toEqual([{ n: 1 }])
})

test('says what it waits for while another program migrates, and goes on after it', async () => {
  const lines: string[] = []
  const listening = pino({ level: 'warn' }, { write: line => void lines.push(line) })
  const holder = await database.pool.connect()
  await holder.query('select pg_advisory_lock($1)', [0x6d_69_67_72])

  const migrated = migrate(database.pool, folder, listening)
  await expect.poll(() => lines.length, { timeout: 10_000, interval: 20 }).toBe(1)
  const { msg, holder: question } = JSON.parse(lines[0]!) as Record<string, string>
  const { rows } = await database.pool.query(`${question} and granted`)
  const own = await holder.query('select pg_backend_pid() as pid')
  await holder.query('select pg_advisory_unlock_all()')
  holder.release()

  expect(msg).toBe('waiting for another program that migrates this database')
  expect(rows).toEqual(own.rows)
  expect(await migrated).toEqual([1])
})

test.each(['LATIN1', 'SQL_ASCII'])(
  'a database in %s is refused before anything is made',
  async encoding => {
    const other = await createEmptyDatabase(encoding)

    const attempt = migrate(other.pool, ourMigrations, log)

    await expect(attempt).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringMatching(
        `is in ${encoding}, which does not hold every text; make one in UTF-8: create database NAME`
      )
    })
    const { rows } = await other.pool.query(
      `select from pg_class where relname = 'schema_migrations'`
    )
    expect(rows).toEqual([])
    await other.drop()
  }
)

test('a failing migration leaves nothing of itself and everything before it', async () => {
  await write('0002-broken.sql', 'insert into first values (7); select no_such_column from first;')

  await expect(migrate(database.pool, folder, log)).rejects.toMatchObject({
    code: 'MIGRATION_FAILED',
    message: '0002-broken.sql failed: column "no_such_column" does not exist'
  })

  expect((await database.pool.query('select n from first')).rows).toEqual([])
  await write('0002-broken.sql', 'insert into first values (8);')
  expect(await migrate(database.pool, folder, log)).toEqual([2])
})

test('a migration that was edited after it was applied is refused', async () => {
  await migrate(database.pool, folder, log)
  await write('0001-first.sql', 'create table first (n bigint);')

  await expect(migrate(database.pool, folder, log)).rejects.toMatchObject({
    code: 'MIGRATION_FAILED',
    message: expect.stringContaining('put the change into a new migration')
  })
})

test('other line ends are not an edit', async () => {
  await write('0002-lines.sql', 'create table second (\n  n integer\n);\n')
  await migrate(database.pool, folder, log)
  await write('0002-lines.sql', 'create table second (\r\n  n integer\r\n);\r\n')

  expect(await migrate(database.pool, folder, log)).toEqual([])
})

test('an older program runs after a later migration, but not after a breaking one', async () => {
  await write('0002-later.sql', 'create table later (n integer);')
  await migrate(database.pool, folder, log)
  await rm(join(folder, '0002-later.sql'))
  expect(await migrate(database.pool, folder, log)).toEqual([])

  await write('0002-later.sql', 'create table later (n integer);')
  await write('0003-breaking.sql', '--! breaking\ndrop table first;')
  await migrate(database.pool, folder, log)
  await rm(join(folder, '0003-breaking.sql'))

  await expect(migrate(database.pool, folder, log)).rejects.toMatchObject({
    code: 'MIGRATION_FAILED',
    message: expect.stringContaining('install the newer version')
  })
})

async function write(file: string, sql: string): Promise<void> {
  await writeFile(join(folder, file), sql)
}
