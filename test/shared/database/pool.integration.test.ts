import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { copyRows } from '#shared/database/copy-rows.ts'
import {
  createPool,
  type Pool,
  withConnection,
  withinMs,
  withPool,
  withTransaction
} from '#shared/database/pool.ts'
import { retryDelayMs } from '#shared/database/retry-delay.ts'
import { createTestDatabase, type TestDatabase, urlOf } from '#test/support/postgres.ts'
import { startSilentProxy } from '#test/support/silent-proxy.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
  await database.pool.query('create table notes (text text primary key)')
})
afterAll(() => database.drop())

describe('createPool', () => {
  test('a bigint comes back as a number', async () => {
    const { rows } = await database.pool.query('select 9007199254740991::bigint as n')

    expect(rows).toEqual([{ n: 9007199254740991 }])
  })

  test('a bigint that does not fit a number fails the query and nothing else', async () => {
    await expect(database.pool.query('select 9007199254740993::bigint as n')).rejects.toThrow(
      'bigint 9007199254740993 does not fit a number'
    )

    expect((await database.pool.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  })

  test.each([
    ['no server', () => 'postgres://nobody@127.0.0.1:1/nothing', true],
    ['no such database', () => urlOf(database.url, 'no_such_database'), false],
    ['no address', () => 'postgres://me:hunter#2@127.0.0.1/nextrie', false]
  ])('where there is %s, a statement is told so as a connection is', async (_, url, canRetry) => {
    const pool = createPool(url())

    const asks = [
      () => pool.query('select 1'),
      () => pool.connect(),
      () => withTransaction(pool, async () => 1)
    ]
    for (const ask of asks) {
      await expect(ask()).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE', canRetry })
    }

    await pool.end()
  })
})

describe('a pool with a time limit for statements', () => {
  const outOfTime = { message: 'Query read timeout' }
  const one = (pool: Pool) => pool.query('select 1 as n')

  test.each<[string, (pool: Pool) => Promise<unknown>]>([
    ['a statement', one],
    ['a connection', pool => withConnection(pool, connection => connection.query('select 1'))],
    ['a transaction', pool => withTransaction(pool, connection => connection.query('select 1'))]
  ])('gives up a connection that went silent under %s, and makes another', async (_, ask) => {
    const proxy = await startSilentProxy(database.url)
    const pool = createPool(proxy.url, { size: 1, queryMs: 500 })
    await ask(pool)

    proxy.silenceOpen()
    await expect(ask(pool)).rejects.toMatchObject(outOfTime)

    expect((await one(pool)).rows).toEqual([{ n: 1 }])
    await pool.end()
    await proxy.close()
  })

  test('does the same where a statement in the middle of a transaction takes too long', async () => {
    const pool = createPool(database.url, { size: 1, queryMs: 500 })
    const attempt = withTransaction(pool, async connection => {
      await connection.query("insert into notes values ('too slow')")
      await connection.query('select pg_sleep(60)')
    })

    await expect(attempt).rejects.toMatchObject(outOfTime)

    expect((await one(pool)).rows).toEqual([{ n: 1 }])
    expect(await notes()).not.toContain('too slow')
    await database.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where query = 'select pg_sleep(60)'`
    )
    await pool.end()
  })

  test('lets a statement take longer where that is said', async () => {
    const pool = createPool(database.url, { size: 1, queryMs: 100 })
    const slowly = withinMs(pool, 30_000).query<{ n: number }>(
      'select $1::integer as n from pg_sleep(0.3)',
      [7]
    )

    expect((await slowly).rows).toEqual([{ n: 7 }])
    await pool.end()
  })

  test('has no clock left that runs behind a COPY', async () => {
    const clocks = () => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length
    const pool = createPool(database.url, { size: 1, queryMs: 1_000_000 })
    await withConnection(pool, async connection => {
      await connection.query('create temporary table copies (text text)')
      const before = clocks()
      for (let i = 0; i < 50; i++) await copyRows(connection, 'copies', Buffer.from('copied\n'))
      expect(clocks()).toBeLessThan(before + 25) // others come and go
    })
    await pool.end()
  })
})

describe('withPool', () => {
  test('gives what the act gives, and ends the pool also when it throws', async () => {
    const pools: Pool[] = []
    const seen = async (pool: Pool) => {
      pools.push(pool)
      return (await pool.query('select 1 as n')).rows
    }

    expect(await withPool(database.url, {}, seen)).toEqual([{ n: 1 }])
    const failure = new Error('no')
    const fails = withPool(database.url, {}, async pool => {
      await seen(pool)
      throw failure
    })
    await expect(fails).rejects.toBe(failure)
    expect(pools.map(({ ended }) => ended)).toEqual([true, true])
  })

  test('a connection that is lost in the middle may be tried again', async () => {
    const attempt = withPool(database.url, { size: 1 }, async pool => {
      const { rows } = await pool.query('select pg_backend_pid() as pid')
      const sleeping = pool.query('select pg_sleep(60)')
      const isAsleep = async () => {
        const { rows: found } = await database.pool.query(
          "select from pg_stat_activity where pid = $1 and query like 'select pg_sleep%'",
          [rows[0].pid]
        )
        return found.length > 0
      }
      const ended = expect(sleeping).rejects.toThrow()
      await expect.poll(isAsleep).toBe(true)
      await database.pool.query('select pg_terminate_backend($1)', [rows[0].pid])
      await ended
      await sleeping
    })

    await expect(attempt).rejects.toMatchObject({ code: 'DATABASE_UNAVAILABLE', canRetry: true })
  })

  test.each(['select * from no_such_table', 'select no_such_column from notes'])(
    '%s is of another schema',
    async statement => {
      const attempt = withPool(database.url, {}, pool => pool.query(statement))

      await expect(attempt).rejects.toMatchObject({
        code: 'MIGRATION_FAILED',
        message: expect.stringMatching(
          /"?no_such_\w+"? does not exist\): run `npx nextrie migrate`$/
        )
      })
    }
  )
})

describe('withTransaction', () => {
  test('what was written is there when it returns', async () => {
    const result = await withTransaction(database.pool, async connection => {
      await connection.query("insert into notes values ('kept')")
      return 'done'
    })

    expect(result).toBe('done')
    expect(await notes()).toEqual(['kept'])
  })

  test('what was written is gone when it throws, and the error is the caller’s', async () => {
    const failure = new Error('changed my mind')
    const attempt = withTransaction(database.pool, async connection => {
      await connection.query("insert into notes values ('lost')")
      throw failure
    })

    await expect(attempt).rejects.toBe(failure)
    expect(await notes()).not.toContain('lost')
  })

  test('a statement that failed without notice does not end in a silent rollback', async () => {
    const attempt = withTransaction(database.pool, async connection => {
      await connection.query("insert into notes values ('unnoticed')")
      await connection.query('select 1 / 0').catch(() => undefined)
    })

    await expect(attempt).rejects.toThrow('rolled back')
    expect(await notes()).not.toContain('unnoticed')
  })

  test('Postgres ends it where nobody goes on with it, and what it has locked is free', async () => {
    const limit = await withTransaction(database.pool, async connection => {
      const { rows } = await connection.query('show idle_in_transaction_session_timeout')
      return Object.values(rows[0])
    })
    const attempt = withTransaction(database.pool, async connection => {
      const { rows } = await connection.query('select pg_backend_pid() as pid')
      await connection.query("insert into notes values ('idle')")
      await connection.query('set local idle_in_transaction_session_timeout = 50')
      await expect.poll(() => connectionIsThere(rows[0].pid)).toBe(false)
      await connection.query('select 1')
    })

    await expect(attempt).rejects.toSatisfy(error => retryDelayMs(error) !== undefined)
    await database.pool.query("insert into notes values ('idle')")
    expect(limit).toEqual(['1min'])
  })

  test('a connection cut in the middle fails the transaction but not the process or the pool', async () => {
    const attempt = withTransaction(database.pool, async connection => {
      const { rows } = await connection.query('select pg_backend_pid() as pid')
      await connection.query("insert into notes values ('cut')")
      await database.pool.query('select pg_terminate_backend($1)', [rows[0].pid])
      await expect.poll(() => connectionIsThere(rows[0].pid)).toBe(false)
      await connection.query('select 1')
    })

    await expect(attempt).rejects.toThrow()
    expect(await notes()).not.toContain('cut')
  })
})

describe('a session that was begun while nobody could write', () => {
  test.each<[string, (pool: Pool) => Promise<unknown>]>([
    ['a statement', pool => pool.query("insert into notes values ('by a statement')")],
    [
      'a connection',
      pool => withConnection(pool, by => by.query("insert into notes values ('by a connection')"))
    ],
    [
      'a transaction',
      pool => withTransaction(pool, by => by.query("insert into notes values ('by a transaction')"))
    ]
  ])('is given up once %s says so, and its successor writes', async (_, write) => {
    const name = new URL(database.url).pathname.slice(1)
    const pool = createPool(database.url, { size: 1 })
    await database.pool.query(`alter database ${name} set default_transaction_read_only = on`)
    await pool.query('select')
    await database.pool.query(`alter database ${name} reset default_transaction_read_only`)

    await expect(write(pool)).rejects.toMatchObject({ code: '25006' })
    await write(pool)

    await pool.end()
  })
})

describe('withConnection', () => {
  test('a server that is not there is DATABASE_UNAVAILABLE and may be tried again', async () => {
    const pool = createPool('postgres://nobody@127.0.0.1:1/nothing')

    await expect(withConnection(pool, async () => 1)).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
      canRetry: true,
      message: expect.stringContaining('ECONNREFUSED')
    })

    await pool.end()
  })

  test('a database that does not exist is not worth another try', async () => {
    const pool = createPool(urlOf(database.url, 'no_such_database'))

    await expect(withConnection(pool, async () => 1)).rejects.toMatchObject({
      code: 'DATABASE_UNAVAILABLE',
      canRetry: false
    })

    await pool.end()
  })

  test('gives the connection back when the act throws', async () => {
    const pool = createPool(database.url, { size: 1 })
    const fails = async () => {
      throw new Error('no')
    }

    await expect(withConnection(pool, fails)).rejects.toThrow('no')
    await expect(withConnection(pool, async () => 'again')).resolves.toBe('again')

    await pool.end()
  })
})

async function notes(): Promise<string[]> {
  const { rows } = await database.pool.query<{ text: string }>('select text from notes')
  return rows.map(row => row.text)
}

async function connectionIsThere(pid: number): Promise<boolean> {
  const { rows } = await database.pool.query('select from pg_stat_activity where pid = $1', [pid])
  return rows.length > 0
}
