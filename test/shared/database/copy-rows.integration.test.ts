import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { arrayLiteral } from '#shared/database/array-literal.ts'
import { copyRows, escapeText, unescapeText } from '#shared/database/copy-rows.ts'
import { withConnection, withTransaction } from '#shared/database/pool.ts'
import { createEmptyDatabase, type TestDatabase } from '#test/support/postgres.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createEmptyDatabase()
  await database.pool.query(
    'create table copied (place bigint generated always as identity, name text, note text unique)'
  )
})
afterAll(() => database.drop())

/** Whatever Postgres can keep: no NUL, no half of a surrogate pair. */
const storable = fc.string({ unit: 'binary' }).map(text => text.replaceAll('\0', ''))
const wildText = fc.oneof(storable, fc.constantFrom('\\N', '\\.', '\\', 'a\tb\r\n\\tc', '"{},NULL'))

test('texts arrive as they are, and null as null', async () => {
  const rows = fc.array(fc.tuple(fc.option(wildText), fc.constant(null)), { maxLength: 20 })

  await fc.assert(
    fc.asyncProperty(rows, async sent => {
      await database.pool.query('truncate copied')

      const count = await copy(sent)

      expect(count).toBe(sent.length)
      const { rows } = await database.pool.query('select name, note from copied order by place')
      expect(rows.map(row => [row.name, row.note])).toEqual(sent)
    }),
    { numRuns: 50 }
  )
})

test('statements before the copy run in its round trip', async () => {
  await database.pool.query('truncate copied')

  const count = await withTransaction(database.pool, connection => {
    const lines = Buffer.from(copyLine(['a', null]))
    return copyRows(
      connection,
      'copied (name, note)',
      lines,
      "select 'x'; insert into copied (name) values ('b'), ('c'); "
    )
  })

  const { rows } = await database.pool.query('select name from copied order by place')
  expect(count).toBe(1)
  expect(rows.map(row => row.name)).toEqual(['b', 'c', 'a'])
})

test('a row that Postgres refuses fails the copy, and the connection goes on', async () => {
  await database.pool.query('truncate copied')

  await withTransaction(database.pool, async connection => {
    await connection.query('savepoint before')
    const lines = Buffer.from(copyLine(['a', 'same']) + copyLine(['b', 'same']))
    const failing = copyRows(connection, 'copied (name, note)', lines)
    await expect(failing).rejects.toMatchObject({ code: '23505' })
    await connection.query('rollback to savepoint before')
    expect((await connection.query('select count(*) from copied')).rows).toEqual([{ count: 0 }])
  })
})

test('rows behind a statement that fails are passed over, however many', async () => {
  await database.pool.query('truncate copied')

  await withConnection(database.pool, async connection => {
    const lines = Buffer.from(copyLine(['a'.repeat(1000), null]).repeat(20_000))
    const failing = copyRows(connection, 'copied (name, note)', lines, 'select 1 / 0; ')
    await expect(failing).rejects.toMatchObject({ code: '22012' })
    expect((await connection.query('select count(*) from copied')).rows).toEqual([{ count: 0 }])
  })
})

test('a copy fails when its connection is ended', async () => {
  const holder = await database.pool.connect()
  await holder.query('begin; lock table copied')
  const copying = copy([['a', null]])
  const refused = expect(copying).rejects.toThrow()
  await expect.poll(() => endWaiting()).toBe(1)

  await refused
  await holder.query('rollback')
  holder.release()
})

test('escaping can be undone', () => {
  fc.assert(
    fc.property(wildText, text => {
      expect(unescapeText(escapeText(text))).toBe(text)
      expect(escapeText(text)).not.toMatch(/[\t\n\r]/)
    })
  )
})

test('an array written in advance is the array', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(wildText), { maxLength: 20 }), async values => {
      const { rows } = await database.pool.query('select $1::text[] as read', [
        arrayLiteral(values)
      ])
      expect(rows[0].read).toEqual(values)
    }),
    { numRuns: 50 }
  )
})

function copyLine(values: readonly (string | null)[]): string {
  return `${values.map(value => (value === null ? '\\N' : escapeText(value))).join('\t')}\n`
}

function copy(rows: readonly (readonly (string | null)[])[]): Promise<number> {
  const lines = Buffer.from(rows.map(copyLine).join(''))
  return withTransaction(database.pool, connection =>
    copyRows(connection, 'copied (name, note)', lines)
  )
}

/** Ends the connections that wait for a lock; returns how many there were. */
async function endWaiting(): Promise<number> {
  const { rows } = await database.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and wait_event_type = 'Lock'`
  )
  return rows.length
}
