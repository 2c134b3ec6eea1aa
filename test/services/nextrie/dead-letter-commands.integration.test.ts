import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { countDeadLetters, insertDeadLetters } from '#shared/eventlog/dead-letters.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'
import { runNextrie, spawnNextrie } from './run-nextrie.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

test('a replay that is interrupted says how far it came, and the next one does the rest', async () => {
  const letters = Array.from({ length: 20_000 }, (_, i) => ({
    topic: 'events',
    partition: 0,
    offset: i,
    key: null,
    payload: Buffer.from(
      JSON.stringify({
        id: `e${i}`,
        type: 'click',
        time: '2026-03-01T09:30:00Z',
        session: 's',
        item: 'a'
      })
    ),
    headers: {},
    reason: 'the program was too old'
  }))
  await insertDeadLetters(database.pool, letters)
  const options = { environment: { DATABASE_URL: database.url } }

  const child = spawnNextrie(['dead-letters', 'replay'], options)
  const [output, faults] = [text(child.stdout!), text(child.stderr!)]
  const hasBegun = async () => (await countDeadLetters(database.pool)) < letters.length
  await vi.waitUntil(hasBegun, { timeout: 30_000, interval: 5 })
  child.kill('SIGINT')
  await once(child, 'exit')
  const left = await countDeadLetters(database.pool)
  const rest = await runNextrie(['dead-letters', 'replay'], options)

  expect(child.exitCode).toBe(1)
  expect(await output).toBe('')
  expect(await faults).toContain(
    `nextrie: interrupted by SIGINT after ${letters.length - left} of 20000 letters: ` +
      'what was accepted is replayed; run it again for the rest\n'
  )
  expect(rest.output).toBe(`${left} events appended\n`)
}, 60_000)
