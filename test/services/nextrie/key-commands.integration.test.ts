import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'
import { runNextrie } from './run-nextrie.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

function run(args: string[], environment: Record<string, string> = {}) {
  return runNextrie(args, { environment: { DATABASE_URL: database.url, ...environment } })
}

test('serving refuses an address beyond loopback while there is no key', async () => {
  const { code, output } = await run(['serve'], { HOST: '0.0.0.0', PORT: '0' })

  expect(code).toBe(1)
  expect(output).toContain('there is no valid API key: make one with `nextrie keys create')
})

test('a key is shown once, listed without its secret, rotated and revoked', async () => {
  const created = await run(['keys', 'create', 'web shop', '--role', 'read'])
  const [, id = '', secret = ''] = /nextrie_([0-9a-f]{12})_(\S{43})\n/.exec(created.output) ?? []
  const listed = await run(['keys', 'list'])
  const rotated = await run(['keys', 'rotate', id, '--overlap', '5'])
  const revoked = await run(['keys', 'revoke', id])
  const afterwards = await run(['keys', 'list'])

  expect(secret).toHaveLength(43)
  expect(listed.output).toMatch(new RegExp(`${id}  web shop  read .*  valid`))
  expect(listed.output).not.toContain(secret)
  expect(rotated.output).toMatch(/nextrie_[0-9a-f]{12}_\S{43}\n/)
  expect(rotated.output).toContain(`${id} ends in 5 minutes`)
  expect(revoked).toMatchObject({ code: 0, output: `${id} is revoked\n` })
  expect(afterwards.output).toMatch(new RegExp(`${id}  web shop  read .* ended`))
  expect(afterwards.output.match(/ valid$/gm)).toHaveLength(1)
})

test('an unknown key and an unknown role are named', async () => {
  const unknown = await run(['keys', 'revoke', 'abc'])
  const role = await run(['keys', 'create', 'shop', '--role', 'root'])

  expect(unknown).toMatchObject({ code: 1, faults: expect.stringContaining('no valid key abc') })
  expect(role).toMatchObject({ code: 1, faults: expect.stringContaining('read, write, admin') })
})
