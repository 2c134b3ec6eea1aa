import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import type { Session } from '#shared/sessions/session.ts'
import { loadSet } from './load-set.ts'
import { promptsOf } from './questions.ts'
import { readSplitDataset } from './read-dataset.ts'

const keys = ['a', 'b', 'c', 'd', 'e', 'f']

test('leave-one-out asks for the last click, validation for the one before, which is history then', async () => {
  const folder = write([
    'user_or_session,item,timestamp_or_position,rel_seconds',
    ...clicks('abcde')
  ])

  const dataset = await readSplitDataset(folder)
  const loaded = await loadSet({ dataset: folder })

  expect(named(dataset.training)).toEqual(['abc', 'abc'])
  expect(asked(loaded, 'validation')).toEqual(['abc>d', 'abc>d'])
  expect(asked(loaded, 'test')).toEqual(['abcd>e', 'abcd>e'])
  expect(dataset.protocol).toBe('leave-one-out by user')
})

test('each user with two clicks is asked for once, also where nobody clicked the target in training', async () => {
  const rows = ['abdc', 'abca', 'adbf', 'dcab', 'a'].flatMap((items, user) =>
    [...items].map((item, i) => `${user},${item},${i + 1},${i}`)
  )
  const folder = write(['user_or_session,item,timestamp_or_position,rel_seconds', ...rows])

  const { set } = (await loadSet({ dataset: folder }))!
  const targets = promptsOf(set.test, set.asked).map(({ target }) => target)

  expect(targets.map(item => set.itemKeys[item])).toEqual(['c', 'a', 'f', 'b'])
  expect(set.clicks[targets[2]!]).toBe(0)
})

test('a part for validation is used as given; without one, the last tenth of training is', async () => {
  const heading = 'user_or_session,item,timestamp_or_position,split'
  const parts = ['train', 'validation', 'train', 'test', 'valid']
  const rows = parts.flatMap((part, s) => [`${s},a,1,${part}`, `${s},b,2,${part}`])

  const given = await readSplitDataset(write([heading, ...rows]))
  const tenth = await readSplitDataset(write([heading, ...rows.filter(row => !/val/.test(row))]))

  expect(ids(given.training)).toEqual(['0', '2'])
  expect(ids(given.validation)).toEqual(['1', '4'])
  expect(ids(given.test)).toEqual(['3'])
  expect([ids(tenth.training), ids(tenth.validation)]).toEqual([['0'], ['2']])
})

test('ends of lines as on Windows, a byte order mark and quotes change nothing', async () => {
  const lines = ['user_or_session,item,timestamp_or_position,rel_seconds', ...clicks('abcde')]
  const quoted = lines.map(line => line.replaceAll(/[^,]+/g, field => `"${field}"`))

  const plain = await readSplitDataset(write(lines))

  expect(await readSplitDataset(write(lines, '\r\n'))).toEqual(plain)
  expect(await readSplitDataset(write([`\uFEFF${quoted[0]}`, ...quoted.slice(1)]))).toEqual(plain)
})

test('without any time the order of the rows is the order of the clicks', async () => {
  const rows = clicks('abcde').map(row => row.split(',').slice(0, 3).join(','))
  const folder = write(['user_or_session,item,timestamp_or_position', ...rows])

  const dataset = await readSplitDataset(folder)

  expect(dataset.protocol).toBe('leave-one-out by user')
  expect(named(dataset.test)).toEqual(['abcde', 'abcde'])
  expect(dataset.tiedClicks).toBeUndefined()
})

test('dates that span a few days are parted too', async () => {
  const days = ['01', '02', '03', '04', '05', '06']
  const rows = days.flatMap(day => [`${day},a,1,2008-04-${day}`, `${day},b,2,2008-04-${day}`])

  const dataset = await readSplitDataset(
    write(['user_or_session,item,timestamp_or_position,date', ...rows])
  )

  expect(dataset.protocol).toBe('by time, test from 2008-04-06')
  expect([ids(dataset.validation), ids(dataset.test)]).toEqual([['05'], ['06']])
})

test('clicks on items that the catalogue does not name are left out before the split', async () => {
  const folder = write([
    'user_or_session,item,timestamp_or_position,rel_seconds',
    ...clicks('abcdz')
  ])

  const dataset = await readSplitDataset(folder)

  expect(named(dataset.test)).toEqual(['abcd', 'abcd'])
  expect(dataset.protocol).toContain('2 clicks on items without a line left out')
})

test.each([
  ['split', '1,a,1,trial', /line 2: split is "trial": it must be one of train, .*test/],
  ['split', '1,a,1,train\n1,b,2,test', /line 3: split is "test", but session 1 began as train/],
  ['split', '1,a,1,train\n1,b,2,train', /column split: no session is "test"/],
  ['date', '1,a,1,2008/04/01', /line 2: date is "2008\/04\/01": it must be a day, as 2008-04-01/],
  ['date', '1,a,1,2008-04-01\n1,b,2,2008-04-01', /column date leaves no .*add a column split/],
  ['rel_seconds', '1,a,1,soon', /line 2: rel_seconds is "soon"/],
  ['rel_seconds', '1,,1,0', /line 2: item is missing/],
  ['rel_seconds', '1,a,1', /line 2: it has 3 fields instead of 4/]
])('a wrong %s is refused with its place and a way out: %j', async (column, rows, fault) => {
  const folder = write([`user_or_session,item,timestamp_or_position,${column}`, rows])

  await expect(readSplitDataset(folder)).rejects.toMatchObject({
    code: 'DATASET_INVALID',
    message: expect.stringMatching(fault)
  })
})

test('shuffled ties stay on their day, and the seed decides where', async () => {
  const rows = [...'abcdef'].map((item, i) => `1,${item},${i + 1},${i < 4 ? 0 : 86_400}`)
  const folder = write(['user_or_session,item,timestamp_or_position,rel_seconds', ...rows])
  const shuffledBy = async (seed?: number) => named((await readSplitDataset(folder, seed)).test)[0]!

  const orders = await Promise.all([1, 2, 3, 4, 5].map(shuffledBy))

  expect(await shuffledBy()).toBe('abcdef')
  expect(await shuffledBy(1)).toBe(orders[0])
  expect(new Set(orders).size).toBeGreaterThan(1)
  for (const order of orders) {
    expect([...order.slice(0, 4)].sort().join('')).toBe('abcd')
    expect([...order.slice(4)].sort().join('')).toBe('ef')
  }
  expect((await readSplitDataset(folder)).tiedClicks).toBe(6)
})

/** Two users who click the same, a second between clicks. */
function clicks(items: string): string[] {
  return [1, 2].flatMap(user => [...items].map((item, i) => `${user},${item},${i + 1},${i}`))
}

function write(lines: readonly string[], end = '\n'): string {
  const folder = mkdtempSync(join(tmpdir(), 'read-dataset-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const items = keys.map((item, i) => JSON.stringify({ item, colour: i % 2 ? 'red' : 'blue' }))
  writeFileSync(join(folder, 'items.jsonl.gz'), gzipSync(items.join('\n')))
  writeFileSync(join(folder, 'interactions.csv.gz'), gzipSync(lines.join(end) + end))
  return folder
}

/** 'ab>c': what was clicked, and what is asked for. */
function asked(loaded: Awaited<ReturnType<typeof loadSet>>, part: 'validation' | 'test'): string[] {
  const { set } = loaded!
  const name = (item: number) => set.itemKeys[item]
  return promptsOf(set[part], set.asked).map(
    ({ clicked, target }) => `${Array.from(clicked, name).join('')}>${name(target)}`
  )
}

function named(sessions: readonly Session[]): string[] {
  return sessions.map(session => session.clicks.map(({ itemKey }) => itemKey).join(''))
}

function ids(sessions: readonly Session[]): string[] {
  return sessions.map(({ sessionId }) => sessionId)
}
