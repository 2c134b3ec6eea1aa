import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { freePort } from '#services/nextrie/ports.ts'
import { createEmptyDatabase, type TestDatabase } from '#test/support/postgres.ts'
import { runNextrie, spawnNextrie } from './run-nextrie.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createEmptyDatabase()
})
afterAll(() => database.drop())

test('migrate brings a database to the schema, from whatever folder it is started', async () => {
  const options = { environment: { DATABASE_URL: database.url }, folder: tmpdir() }

  const first = await runNextrie(['migrate'], options)
  const second = await runNextrie(['migrate'], options)

  expect(first).toMatchObject({ code: 0, output: expect.stringMatching(/^applied 1, 2, 3/) })
  expect(second).toMatchObject({ code: 0, output: 'the schema is up to date\n' })
})

test('a missing setting is named in one line, without a stack', async () => {
  const { code, faults } = await runNextrie(['migrate'])

  expect(code).toBe(1)
  expect(faults).toBe('nextrie: DATABASE_URL is missing\n')
})

test('an unknown data set is named', async () => {
  const { code, faults } = await runNextrie(['import', 'nowhere'], {
    environment: { DATABASE_URL: database.url }
  })

  expect(code).toBe(1)
  expect(faults).toMatch(/^nextrie: there is no data set nowhere/)
})

test.each([
  ['keys', 'list'],
  ['export', 'log.csv'],
  ['forget', 'v1'],
  ['dead-letters', 'list']
])('without a database %s %s says so, without a stack', async (...command) => {
  const { code, output, faults } = await runNextrie(command, {
    environment: { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing' }
  })

  expect({ code, output }).toEqual({ code: 1, output: '' })
  expect(faults).toMatch(/^nextrie: no connection to Postgres \(.*ECONNREFUSED.*\).*\n$/)
})

test('an address of a database that is none is not repeated: a password is in it', async () => {
  const { code, faults } = await runNextrie(['keys', 'list'], {
    environment: { DATABASE_URL: 'postgres://me:hunter#2@127.0.0.1/nextrie' }
  })

  expect(code).toBe(1)
  expect(faults).toMatch(
    /^nextrie: no connection to Postgres \(Invalid URL\); check DATABASE_URL.*\n$/
  )
})

test.each([
  [
    'localhost:8080',
    {},
    /'--url <url>' argument 'localhost:8080' is invalid\. It must be an address/
  ],
  [undefined, { HOST: '::1', PORT: '1' }, /^nextrie: nobody answers at http:\/\/\[::1\]:1: /]
])('recommend asks where it is told: --url %s, %j', async (url, environment, fault) => {
  const { code, faults } = await runNextrie(
    ['recommend', '--items', 'a', ...(url === undefined ? [] : ['--url', url])],
    { environment }
  )

  expect(code).toBe(1)
  expect(faults).toMatch(fault)
})

test.each([
  [['serve', '--port', '9000'], "error: unknown option '--port'\n"],
  [['ingest', 'topic'], /^error: too many arguments for 'ingest'/],
  [['train', '--seed=2'], "error: unknown option '--seed=2'\n"],
  [['evaluate', 'r1'], /^error: too many arguments for 'evaluate'/]
])('%j is refused: the programs are set by the environment alone', async (args, fault) => {
  const { code, faults } = await runNextrie(args, { environment: { DATABASE_URL: 'none' } })

  expect(code).toBe(1)
  expect(faults).toEqual(typeof fault === 'string' ? fault : expect.stringMatching(fault))
})

test('recommend wants to know about what', async () => {
  const { code, faults } = await runNextrie(['recommend'])

  expect(code).toBe(1)
  expect(faults).toBe('nextrie: give either --session or --items\n')
})

test('a program that fails hands its exit code on', async () => {
  const { code, output } = await runNextrie(['train'])

  expect(code).toBe(1)
  expect(output).toContain('DATABASE_URL is missing')
})

test('a signal reaches the program, which stops in order', async () => {
  const port = await freePort('127.0.0.1', 0)
  const serving = await startServing(port)

  serving.kill('SIGTERM')
  await once(serving, 'exit')

  expect(serving.exitCode).toBe(0)
  expect(await freePort('127.0.0.1', port ?? 0)).toBe(port)
})

test('a program does not outlive a command line that was killed', async () => {
  const port = await freePort('127.0.0.1', 0)
  const serving = await startServing(port)

  serving.kill('SIGKILL')
  await once(serving, 'exit')

  await vi.waitFor(async () => expect(await freePort('127.0.0.1', port ?? 0)).toBe(port), {
    timeout: 10_000,
    interval: 50
  })
})

/** Serving without a release: it listens, and is live. */
async function startServing(port: number | undefined) {
  const child = spawnNextrie(['serve'], {
    environment: { DATABASE_URL: database.url, PORT: String(port) }
  })
  child.stdout?.resume()
  child.stderr?.resume()
  const live = async () =>
    expect((await fetch(`http://127.0.0.1:${port}/health/live`)).ok).toBe(true)
  await vi.waitFor(live, { timeout: 20_000, interval: 50 })
  return child
}
