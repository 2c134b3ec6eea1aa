import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { type ColumnSource, parquetWriteBuffer } from 'hyparquet-writer'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withTransaction } from '#shared/database/pool.ts'
import { appendEvents } from '#shared/eventlog/append-events.ts'
import { eventFile } from '#shared/eventlog/files/event-file.ts'
import { exportEvents } from '#shared/eventlog/files/export-events.ts'
import { importEvents } from '#shared/eventlog/files/import-events.ts'
import { lastPosition, readEvents } from '#shared/eventlog/read-events.ts'
import type { Event } from '#shared/events/event.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'

let source: TestDatabase
let folder: string

/** What a file could spoil: quotes, commas, line ends, spaces, empty lists, unknown fields. */
const odd: Event[] = [
  {
    id: 'odd "1", \r\n',
    type: 'view',
    occurredAt: new Date('2026-03-01T09:30:00.123Z'),
    sessionId: ' s,1 ',
    visitorId: 'Zoë 🦊',
    itemKey: '=1+1',
    properties: { context: { a: [1, null, 'x\ny'] }, value: 0.1, unknown: true, schema_version: 1 }
  },
  {
    id: 'shown',
    type: 'impression',
    occurredAt: new Date('1970-01-01T00:00:00.000Z'),
    sessionId: 's2',
    properties: { items: [] }
  }
]

const count = 1000
/** Small, so that a file has several. */
const batchSize = 200

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nextrie-files-'))
  source = await createTestDatabase()
  const plain = Array.from({ length: count - odd.length }, (_, i) => click(i))
  await withTransaction(source.pool, connection => appendEvents(connection, [...odd, ...plain]))
})
afterAll(async () => {
  await source.drop()
  await rm(folder, { recursive: true, force: true })
})

const names = ['a.ndjson', 'b.ndjson.gz', 'c.csv', 'd.csv.gz', 'e.parquet']

describe.each(names)('%s', name => {
  const file = () => eventFile(join(folder, name))!

  test('holds the whole log, and the log that it is imported into has the same events', async () => {
    const target = await createTestDatabase()
    try {
      const upTo = await lastPosition(source.pool)
      const exported = await exportEvents({
        connection: source.pool,
        file: file(),
        from: 1,
        upTo,
        batchSize
      })
      const imported = await importEvents({ pool: target.pool, file: file(), batchSize })

      expect(exported).toEqual({ events: count, nextPosition: upTo + 1, isWhole: true })
      expect(imported).toEqual({ resumedAt: 0, appended: count, duplicates: 0, rejected: 0 })
      expect(await allEvents(target)).toEqual(await allEvents(source))
    } finally {
      await target.drop()
    }
  })

  test('that was imported is known again, and reading it anew adds nothing', async () => {
    const target = await createTestDatabase()
    try {
      await importEvents({ pool: target.pool, file: file(), batchSize })
      const again = await importEvents({ pool: target.pool, file: file(), batchSize })
      const anew = await importEvents({ pool: target.pool, file: file(), isRestart: true })

      expect(again).toEqual({ resumedAt: count, appended: 0, duplicates: 0, rejected: 0 })
      expect(anew).toEqual({ resumedAt: 0, appended: 0, duplicates: count, rejected: 0 })
    } finally {
      await target.drop()
    }
  })

  test('goes on where an import of it was interrupted', async () => {
    const target = await createTestDatabase()
    try {
      const stop = new AbortController()
      const first = importEvents({
        pool: target.pool,
        file: file(),
        onProgress: () => stop.abort(new Error('enough')),
        batchSize,
        signal: stop.signal
      })
      await expect(first).rejects.toThrow('enough')
      const done = (await allEvents(target)).length

      const rest = await importEvents({ pool: target.pool, file: file(), batchSize })

      expect(done).toBeGreaterThan(0)
      expect(rest).toEqual({
        resumedAt: done,
        appended: count - done,
        duplicates: 0,
        rejected: 0
      })
      expect(await allEvents(target)).toEqual(await allEvents(source))
    } finally {
      await target.drop()
    }
  })
})

test('an export that is interrupted is a whole file, and another goes on behind it', async () => {
  const upTo = await lastPosition(source.pool)
  const stop = new AbortController()
  const [head, tail] = ['head.parquet', 'tail.csv'].map(name => eventFile(join(folder, name))!)
  const first = await exportEvents({
    connection: source.pool,
    file: head!,
    from: 1,
    upTo,
    onProgress: () => stop.abort(),
    batchSize,
    signal: stop.signal
  })
  const second = await exportEvents({
    connection: source.pool,
    file: tail!,
    from: first.nextPosition,
    upTo
  })
  const target = await createTestDatabase()
  try {
    await importEvents({ pool: target.pool, file: head! })
    await importEvents({ pool: target.pool, file: tail! })

    expect(first.isWhole).toBe(false)
    expect(first.events).toBeLessThan(count)
    expect(first.events + second.events).toBe(count)
    expect(await allEvents(target)).toEqual(await allEvents(source))
  } finally {
    await target.drop()
  }
})

test('an export that fails leaves nothing, and one never covers a file', async () => {
  const lost = eventFile(join(folder, 'lost.ndjson'))!
  const broken = { query: () => Promise.reject(new Error('gone')) } as never
  await expect(exportEvents({ connection: broken, file: lost, from: 1, upTo: 5 })).rejects.toThrow(
    'gone'
  )
  await writeFile(join(folder, 'mine.csv'), 'precious')
  const taken = exportEvents({
    connection: source.pool,
    file: eventFile(join(folder, 'mine.csv'))!,
    from: 1,
    upTo: 5
  })

  await expect(taken).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
  expect(await readFile(join(folder, 'mine.csv'), 'utf8')).toBe('precious')
  expect((await readdir(folder)).filter(name => /lost|partial/.test(name))).toEqual([])
})

test('a line of ndjson may be the message alone; wrong rows are told by number and left out', async () => {
  const target = await createTestDatabase()
  try {
    const path = join(folder, 'shop.jsonl')
    const message = { type: 'click', time: '2026-03-01T09:30:00Z', session: 's', item: 'a' }
    await writeFile(
      path,
      [
        JSON.stringify({ ...message, id: '1', campaign: 'spring' }),
        'no json',
        JSON.stringify({ ...message, id: '2', item: undefined }),
        JSON.stringify({ ...message, id: '3', event: { name: 'sale' } }),
        JSON.stringify({ event: { ...message, id: '4' } })
      ].join('\n') // the last line need not end
    )
    const told: [number, string][] = []
    const outcome = await importEvents({
      pool: target.pool,
      file: eventFile(path)!,
      onRejected: (row, reason) => told.push([row, reason])
    })

    expect(outcome).toMatchObject({ appended: 3, rejected: 2 })
    expect(told).toEqual([
      [2, 'the message is not JSON'],
      [3, 'item is missing: a click names its item']
    ])
    expect((await allEvents(target)).map(({ id, properties }) => [id, properties])).toEqual([
      ['1', { campaign: 'spring' }],
      ['3', { event: { name: 'sale' } }],
      ['4', {}]
    ])
  } finally {
    await target.drop()
  }
})

test.each([
  ['id,type,time\n1,click,x\n', 'has no column session'],
  ['id,type,time,session,price\n', 'has a column "price" too many'],
  ['', 'has no column id'],
  ['id,type,time,session\n"1', 'behind row 0'],
  [Buffer.from([0x69, 0x64, 0xff]), 'behind row 0']
])('a csv that is none of ours is refused: %j', async (content, reason) => {
  const path = join(folder, 'wrong.csv')
  await writeFile(path, content)

  await expect(importEvents({ pool: source.pool, file: eventFile(path)! })).rejects.toMatchObject({
    code: 'DATASET_INVALID',
    message: expect.stringContaining(reason)
  })
})

test('a csv row with too few cells, or properties that are no object, is rejected by itself', async () => {
  const target = await createTestDatabase()
  try {
    const path = join(folder, 'rows.csv')
    const rows = [
      'session,time,type,id,item,properties',
      's,2026-03-01T09:30:00Z,click,1,a,"{""value"": 2}"',
      's,2026-03-01T09:30:00Z',
      's,2026-03-01T09:30:00Z,click,2,a,[1]',
      's,2026-03-01T09:30:00Z,click,3,a,'
    ]
    await writeFile(path, rows.join('\n'))
    const told: number[] = []
    const outcome = await importEvents({
      pool: target.pool,
      file: eventFile(path)!,
      onRejected: row => told.push(row)
    })

    expect(outcome).toMatchObject({ appended: 2, rejected: 2 })
    expect(told).toEqual([2, 3])
  } finally {
    await target.drop()
  }
})

test('a Parquet row whose ids are numbers, or whose time no clock shows, is rejected by itself', async () => {
  const target = await createTestDatabase()
  try {
    const time = Date.UTC(2026, 2, 1, 9, 30)
    const told: string[] = []
    const importColumns = async (columnData: ColumnSource[]) => {
      const path = join(folder, 'typed.parquet')
      await writeFile(path, new Uint8Array(parquetWriteBuffer({ columnData })))
      return importEvents({
        pool: target.pool,
        file: eventFile(path)!,
        onRejected: (row, reason) => told.push(`${row} ${reason}`)
      })
    }
    const texts = (name: string, data: string[]) => ({ name, data, type: 'STRING' as const })
    const rest = [texts('type', ['click', 'click']), texts('item', ['a', 'a'])]

    const numbered = await importColumns([
      { name: 'id', data: [7n, 2n ** 60n], type: 'INT64' },
      { name: 'session', data: [1n, 1n], type: 'INT64' },
      { name: 'time', data: [new Date(time), new Date(time)], type: 'TIMESTAMP' },
      ...rest
    ])
    const timed = await importColumns([
      texts('id', ['1', '2']),
      texts('session', ['s', 's']),
      { name: 'time', data: [2n ** 60n, BigInt(time)], type: 'TIMESTAMP' },
      ...rest
    ])

    expect(numbered).toMatchObject({ appended: 0, rejected: 2 })
    expect(timed).toMatchObject({ appended: 1, rejected: 1 })
    expect(told).toEqual([
      expect.stringMatching(/^1 id is 7: it must be a text .* session is 1: it must be a text/),
      expect.stringMatching(/^2 .*send it as a text/),
      expect.stringMatching(/^1 time is "Invalid Date": it must be a time since 1970/)
    ])
  } finally {
    await target.drop()
  }
})

test('a file that is no Parquet is refused', async () => {
  const path = join(folder, 'wrong.parquet')
  await writeFile(path, 'id,type\n')

  await expect(importEvents({ pool: source.pool, file: eventFile(path)! })).rejects.toMatchObject({
    code: 'DATASET_INVALID'
  })
})

test('the name tells the format unless it is told', () => {
  expect(eventFile('a/b.c.CSV')).toMatchObject({ format: 'csv', isCompressed: false })
  expect(eventFile('log.jsonl.gz')).toMatchObject({ format: 'ndjson', isCompressed: true })
  expect(eventFile('log', 'csv')).toMatchObject({ format: 'csv' })
  expect(eventFile('log.txt')).toBeUndefined()
  expect(() => eventFile('log.parquet.gz')).toThrow('compressed within')
})

test('a csv has the columns by name, in the order of the log', async () => {
  const csv = gunzipSync(await readFile(join(folder, 'd.csv.gz'))).toString('utf8')
  const [heading, first] = csv.split('\r\n')

  expect(heading).toBe('position,received_at,id,type,time,session,visitor,item,properties')
  expect(first).toMatch(/^1,20\d\d-/)
})

function click(i: number): Event {
  return {
    id: `e-${i}`,
    type: 'click',
    occurredAt: new Date(Date.UTC(2026, 2, 1) + i * 1000),
    sessionId: `s-${i % 900}`,
    itemKey: `A${i % 7}`,
    properties: i % 3 === 0 ? { value: i } : {}
  }
}

async function allEvents({ pool }: TestDatabase): Promise<Event[]> {
  const events: Event[] = []
  const upTo = await lastPosition(pool)
  for await (const batch of readEvents(pool, { after: 0, upTo })) {
    events.push(...batch.map(({ position: _, receivedAt: __, ...event }) => event))
  }
  return events
}
