import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'
import { runNextrie, spawnNextrie } from './run-nextrie.ts'

let database: TestDatabase
let folder: string
beforeAll(async () => {
  database = await createTestDatabase()
  folder = await mkdtemp(join(tmpdir(), 'nextrie-log-'))
})
afterAll(async () => {
  await database.drop()
  await rm(folder, { recursive: true, force: true })
})

function run(...args: string[]) {
  return runNextrie(args, { environment: { DATABASE_URL: database.url }, folder })
}

const message = { type: 'click', time: '2026-03-01T09:30:00Z', session: 's', item: 'a' }

test('a file of events is imported, exported, and known again', async () => {
  const lines = ['1', '2', '3'].map(id => JSON.stringify({ ...message, id, visitor: `v${id}` }))
  await writeFile(join(folder, 'shop.ndjson'), [...lines, '{"id": 4}'].join('\n'))

  const imported = await run('import', 'shop.ndjson')
  const again = await run('import', 'shop.ndjson')
  const exported = await run('export', 'log.csv')
  const part = await run('export', 'part.parquet', '--from-position', '2', '--to-position', '2')

  expect(imported).toMatchObject({
    code: 0,
    output: '3 events of shop.ndjson appended; 1 rows rejected\n',
    faults: expect.stringContaining('shop.ndjson row 4: type is missing')
  })
  expect(again.output).toMatch(/^0 events .*; its first 4 rows were imported before/)
  expect(exported.output).toMatch(/^3 events in .*log.csv; later ones: --from-position 4\n$/)
  expect((await readFile(join(folder, 'log.csv'), 'utf8')).split('\r\n')).toHaveLength(5)
  expect(part.output).toMatch(/^1 events in .*part.parquet; later ones: --from-position 3\n$/)
}, 60_000)

test('a visitor is forgotten, as often as it is asked', async () => {
  const first = await run('forget', 'v2')
  const second = await run('forget', 'v2')

  expect(first.output).toMatch(/^erased 1 events, /)
  expect(second.output).toMatch(/^erased 0 events, /)
}, 60_000)

test('the contracts are written where they are wanted', async () => {
  const { code } = await runNextrie(['schemas', join(folder, 'schemas')])

  expect(code).toBe(0)
  expect((await readdir(join(folder, 'schemas'))).sort()).toEqual([
    'event-1.schema.json',
    'item-1.schema.json'
  ])
})

test.each([
  [['export', 'log.txt'], /its name tells no format; say --format ndjson, csv, parquet/],
  [['export', 'log.csv', '--from-position', '0'], /whole number of at least 1/],
  [['import', 'nowhere.csv'], /there is no data set nowhere.csv/]
])('%j is refused', async (args, fault) => {
  const { code, faults } = await run(...args)

  expect(code).not.toBe(0)
  expect(faults).toMatch(fault)
})

test('files that cannot be read or written are named, without a stack', async () => {
  await writeFile(join(folder, 'broken.ndjson.gz'), JSON.stringify({ ...message, id: 'b' }))
  await mkdir(join(folder, 'set'))
  await writeFile(join(folder, 'set', 'items.jsonl.gz'), '')
  await writeFile(join(folder, 'set', 'interactions.csv.gz'), 'user_or_session,item')

  const imported = await run('import', 'broken.ndjson.gz')
  const asSet = await run('import', 'set')
  const exports = await Promise.all(
    ['log.csv', 'log.parquet'].map(name => run('export', join(folder, 'nowhere', name)))
  )
  const schemas = await run('schemas', '/dev/null/schemas')

  const [broken, cut] = ['broken.ndjson.gz', join('set', 'interactions.csv.gz')]
  expect(imported.faults).toContain(`nextrie: ${join(folder, broken)} is no file of gzip`)
  expect(asSet.faults).toContain(`nextrie: ${join(folder, cut)} is no file of gzip`)
  for (const { faults } of exports) {
    expect(faults).toMatch(/nextrie: .*nowhere\/log.* cannot be used: .* no folder to put it in/)
  }
  expect(schemas.faults).toMatch(/^nextrie: \/dev\/null\/schemas cannot be used: .*\n$/)
  const all = [imported, asSet, ...exports, schemas]
  expect(all.map(({ code, faults }) => [code, faults.includes('   at ')])).toEqual(
    all.map(() => [1, false])
  )
}, 60_000)

test('an import that is interrupted says so, and the next one goes on', async () => {
  const rows = Array.from({ length: 60_000 }, (_, i) => JSON.stringify({ ...message, id: `m${i}` }))
  await writeFile(join(folder, 'many.ndjson'), rows.join('\n'))
  const logged = async () => {
    const { rows } = await database.pool.query(
      `select count(*)::int as count from events where event_id like 'm%'`
    )
    return rows[0].count as number
  }

  const child = spawnNextrie(['import', join(folder, 'many.ndjson')], {
    environment: { DATABASE_URL: database.url }
  })
  const said: string[] = []
  child.stderr!.on('data', chunk => said.push(String(chunk)))
  const exited = new Promise(resolve => child.once('close', resolve))
  await expect.poll(logged, { timeout: 20_000, interval: 5 }).toBeGreaterThan(0)
  child.kill('SIGINT')
  const code = await exited
  const done = await logged()
  const rest = await run('import', 'many.ndjson')

  expect(code).toBe(1)
  expect(said.join('')).toContain(
    `nextrie: interrupted by SIGINT after row ${done.toLocaleString('en')}: what stands up to there ` +
      'is in the log; run it again for the rest\n'
  )
  expect(done % 5000).toBe(0)
  expect(rest.output).toContain(`its first ${done.toLocaleString('en')} rows were imported before`)
  expect(await logged()).toBe(60_000)
}, 60_000)
