import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'
import { runNextrie, spawnNextrie } from './run-nextrie.ts'

let database: TestDatabase
let folder: string
beforeAll(async () => {
  database = await createTestDatabase()
  folder = await mkdtemp(join(tmpdir(), 'nextrie-items-'))
})
afterAll(async () => {
  await database.drop()
  await rm(folder, { recursive: true, force: true })
})

const options = () => ({ environment: { DATABASE_URL: database.url }, folder })

async function countItems(): Promise<number> {
  const { rows } = await database.pool.query('select count(*)::integer as count from items')
  return rows[0].count
}

function itemLines(count: number): string[] {
  return Array.from({ length: count }, (_, i) => JSON.stringify({ id: `i${i}`, attributes: { i } }))
}

test('a file of items is imported with its progress, and rejected lines are reported', async () => {
  const lines = [...itemLines(3), '{"id": ""}', 'nothing']
  await writeFile(join(folder, 'items.ndjson.gz'), gzipSync(lines.join('\n')))

  const { code, output, faults } = await runNextrie(
    ['items', 'import', 'items.ndjson.gz', '--rejected', 'rejected.ndjson'],
    options()
  )

  expect(code).toBe(0)
  expect(output).toBe('3 items of items.ndjson.gz are in the catalogue; 2 lines rejected\n')
  expect(faults).toContain('importing items.ndjson.gz (%): 100 of 100')
  expect(faults).toContain('items.ndjson.gz line 5: the message is not JSON')
  const report = (await readFile(join(folder, 'rejected.ndjson'), 'utf8')).trim().split('\n')
  expect(report.map(line => JSON.parse(line).line)).toEqual([4, 5])
  expect(await countItems()).toBe(3)
}, 60_000)

test('an import that is interrupted keeps what it has, and is finished by the next one', async () => {
  await writeFile(join(folder, 'many.ndjson'), itemLines(60_000).join('\n'))
  const child = spawnNextrie(['items', 'import', 'many.ndjson'], options())
  const [output, faults] = [text(child.stdout!), text(child.stderr!)]
  await vi.waitUntil(async () => (await countItems()) > 3, { timeout: 30_000, interval: 5 })
  child.kill('SIGINT')
  await once(child, 'exit')

  expect(child.exitCode).toBe(1)
  const [, line] = /interrupted by SIGINT after line ([\d,]+): what stands/.exec(await faults) ?? []
  expect(await countItems()).toBe(Number(line?.replaceAll(',', '')))
  expect(await output).toBe('')
  const again = await runNextrie(['items', 'import', 'many.ndjson'], options())
  expect(again.code).toBe(0)
  expect(await countItems()).toBe(60_000)
}, 120_000)

test('a report that cannot be written is refused before anything is imported', async () => {
  await writeFile(join(folder, 'late.ndjson'), ['nothing', '{"id": "late"}'].join('\n'))
  const before = await countItems()

  const { code, faults } = await runNextrie(
    ['items', 'import', 'late.ndjson', '--rejected', join(folder, 'nowhere', 'rejected.ndjson')],
    options()
  )

  expect(code).toBe(1)
  expect(faults).toContain('rejected.ndjson cannot be written: name a file')
  expect(await countItems()).toBe(before)
}, 60_000)

test('a report of many lines holds all of them', async () => {
  const wrong = Array.from({ length: 5000 }, () => '{"id": ""}')
  await writeFile(join(folder, 'wrong.ndjson'), wrong.join('\n'))

  await runNextrie(
    ['items', 'import', 'wrong.ndjson', '--rejected', 'wrong-lines.ndjson'],
    options()
  )

  const report = (await readFile(join(folder, 'wrong-lines.ndjson'), 'utf8')).trim().split('\n')
  expect(report.map(line => JSON.parse(line).line)).toEqual(wrong.map((_, i) => i + 1))
}, 60_000)

test('a file that is not there is refused', async () => {
  const { code, faults } = await runNextrie(['items', 'import', 'nowhere.ndjson'], options())

  expect(code).toBe(1)
  expect(faults).toContain('nowhere.ndjson cannot be read')
}, 60_000)

test('a folder, and a file that gzip did not make, are named', async () => {
  await writeFile(join(folder, 'broken.ndjson.gz'), '{"id": "a"}')

  const isFolder = await runNextrie(['items', 'import', folder], options())
  const isBroken = await runNextrie(['items', 'import', 'broken.ndjson.gz'], options())

  expect(isFolder.faults).toContain(`nextrie: ${folder} cannot be used: it is a folder (EISDIR)\n`)
  expect(isBroken.faults).toContain('nextrie: broken.ndjson.gz is no file of gzip')
  expect([isFolder, isBroken].map(({ faults }) => faults.includes('   at '))).toEqual([
    false,
    false
  ])
}, 60_000)
