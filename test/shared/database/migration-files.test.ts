import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readMigrations } from '#shared/database/migration-files.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nextrie-migrations-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('migrations come in the order of their numbers, and other files are left alone', async () => {
  await write({ '0002-b.sql': 'select 2;', '0001-a.sql': 'select 1;', 'README.md': 'about' })

  const migrations = await readMigrations(folder)

  expect(migrations.map(({ number, file, sql }) => ({ number, file, sql }))).toEqual([
    { number: 1, file: '0001-a.sql', sql: 'select 1;' },
    { number: 2, file: '0002-b.sql', sql: 'select 2;' }
  ])
})

test('only the first line can make a migration breaking', async () => {
  await write({ '0001-a.sql': '--! breaking\nselect 1;', '0002-b.sql': 'select 1;\n--! breaking' })

  const migrations = await readMigrations(folder)

  expect(migrations.map(migration => migration.isBreaking)).toEqual([true, false])
})

test.each([
  ['a gap', ['0001-a.sql', '0003-c.sql'], '0003-c.sql in .* should have number 2'],
  ['a number used twice', ['0001-a.sql', '0001-b.sql'], '0001-b.sql in .* should have number 2'],
  ['a start that is not 1', ['0002-b.sql'], '0002-b.sql in .* should have number 1'],
  ['a name without a number', ['first.sql'], 'first.sql in .* is not named like 0001-event-log.sql']
])('%s is refused', async (_, files, message) => {
  await write(Object.fromEntries(files.map(file => [file, 'select 1;'])))

  await expect(readMigrations(folder)).rejects.toMatchObject({
    code: 'MIGRATION_FAILED',
    message: expect.stringMatching(message)
  })
})

async function write(files: Readonly<Record<string, string>>): Promise<void> {
  for (const [file, sql] of Object.entries(files)) await writeFile(join(folder, file), sql)
}
