import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hasEvent } from '#services/nextrie/has-event.ts'
import { importDataset, type RejectedLine } from '#services/nextrie/import-dataset.ts'
import { findDataset, surveyDataset } from '#services/nextrie/read-dataset.ts'
import { readSessionTail } from '#shared/eventlog/session-tails.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

const refuse = ({ line, reason }: RejectedLine) => {
  throw new Error(`line ${line}: ${reason}`)
}

test('an interrupted import of the bundled data is finished by the next, and a repeat adds nothing', async () => {
  const { pool } = database
  const folder = findDataset('eshop-clothing-2008')
  const { lastEventId = '' } = await surveyDataset(folder)
  const interruption = new AbortController()
  const options = { pool, folder, onRejected: refuse }

  const interrupted = importDataset({
    ...options,
    onProgress: () => interruption.abort(new Error('interrupted')),
    signal: interruption.signal
  })
  await expect(interrupted).rejects.toThrow('interrupted')
  expect(await hasEvent(pool, lastEventId)).toBe(false)

  expect(await importDataset(options)).toEqual({
    items: 217,
    appended: 165_474 - 5000,
    duplicates: 5000,
    rejected: 0
  })
  expect(await hasEvent(pool, lastEventId)).toBe(true)
  expect(await importDataset(options)).toMatchObject({ appended: 0, duplicates: 165_474 })
  const tail = await readSessionTail(pool, '24026')
  expect(tail?.events.map(({ itemKey }) => itemKey)).toEqual(['A2', 'C2', 'B2'])
}, 120_000)

test('wrong lines are reported by number and reason, and the others are imported', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'nextrie-import-'))
  const items = '{"item":"x"}\n{"item":"y","price":null}\n'
  const rows = 'user_or_session,item,timestamp_or_position\ns,x,1\ns,,2\ns,x,3\n'
  writeFileSync(join(folder, 'items.jsonl.gz'), gzipSync(items))
  writeFileSync(join(folder, 'interactions.csv.gz'), gzipSync(rows))
  const rejected: RejectedLine[] = []

  const counts = await importDataset({
    pool: database.pool,
    folder,
    onRejected: line => rejected.push(line)
  })
  rmSync(folder, { recursive: true })

  expect(counts).toEqual({ items: 1, appended: 2, duplicates: 0, rejected: 2 })
  expect(rejected).toEqual([
    { file: 'items.jsonl.gz', line: 2, reason: expect.stringContaining('attributes') },
    { file: 'interactions.csv.gz', line: 3, reason: expect.stringContaining('item') }
  ])
})
