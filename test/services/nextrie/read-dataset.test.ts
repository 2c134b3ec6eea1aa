import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, expect, test } from 'vitest'
import {
  type DatasetLine,
  findDataset,
  readEventLines,
  readItemLines,
  surveyDataset
} from '#services/nextrie/read-dataset.ts'

const folder = mkdtempSync(join(tmpdir(), 'nextrie-dataset-'))
writeFileSync(join(folder, 'items.jsonl.gz'), gzipSync('{"item":"a"}\n\nnonsense\n'))
writeFileSync(
  join(folder, 'interactions.csv.gz'),
  gzipSync('user_or_session,item,timestamp_or_position\n1,"a,b",1\n1,c,2\n2,d\n2,e,later\n2,f,2\n')
)
afterAll(() => rmSync(folder, { recursive: true }))

test('a data set is found by its path, or by its name when it is bundled', () => {
  expect(findDataset(folder)).toBe(folder)
  expect(basename(findDataset('eshop-clothing-2008'))).toBe('eshop-clothing-2008')
})

test('an unknown data set is answered with the names of the bundled ones', () => {
  expect(() => findDataset('nowhere')).toThrow(/no data set nowhere.*\(eshop-clothing-2008\)/)
})

test('a folder without the files is answered with the file that is missing', () => {
  expect(() => findDataset(tmpdir())).toThrow(/has no items\.jsonl\.gz/)
})

test('items are read with the numbers of their lines', async () => {
  const lines = await all(readItemLines(folder))

  expect(lines).toEqual([
    { line: 1, message: { id: 'a', attributes: {} } },
    { line: 3, rejected: expect.stringContaining('not JSON') }
  ])
})

test('events are read with their lines, and one wrong row does not stop the others', async () => {
  const lines = await all(readEventLines(folder))

  const set = basename(folder)
  expect(lines).toMatchObject([
    { line: 2, message: { id: `${set}:1:1`, item: 'a,b', time: '2000-01-01T00:00:01.000Z' } },
    { line: 3, message: { id: `${set}:1:2`, time: '2000-01-01T00:00:02.000Z' } },
    { line: 4, rejected: 'it has 2 fields instead of 3' },
    { line: 5, rejected: expect.stringContaining('timestamp_or_position') },
    { line: 6, message: { id: `${set}:2:2`, time: '2000-01-01T00:02:02.000Z' } }
  ])
})

test.each([
  [
    'cut off',
    gzipSync('{"item":"a"}\n'.repeat(1000)).subarray(0, 40),
    /no file of gzip, or not all/
  ],
  ['not compressed', Buffer.from('{"item":"a"}\n'), /no file of gzip/]
])('a file of items that is %s is named', async (_, bytes, fault) => {
  const other = mkdtempSync(join(tmpdir(), 'nextrie-dataset-'))
  writeFileSync(join(other, 'items.jsonl.gz'), bytes)

  const error = await all(readItemLines(other)).catch(cause => cause)

  rmSync(other, { recursive: true })
  expect(error).toMatchObject({ code: 'DATASET_INVALID', message: expect.stringMatching(fault) })
  expect(error.message).toContain(join(other, 'items.jsonl.gz'))
})

test('a quote in the wrong place makes a file of events no CSV', async () => {
  const other = mkdtempSync(join(tmpdir(), 'nextrie-dataset-'))
  writeFileSync(join(other, 'interactions.csv.gz'), gzipSync('user_or_session,item\n1,a"b\n'))

  const error = await all(readEventLines(other)).catch(cause => cause)

  rmSync(other, { recursive: true })
  expect(error).toMatchObject({
    code: 'DATASET_INVALID',
    message: expect.stringMatching(/interactions\.csv\.gz: Invalid Opening Quote.* line 2/)
  })
})

test('a survey counts the events and names the last', async () => {
  expect(await surveyDataset(folder)).toEqual({
    events: 5,
    lastEventId: `${basename(folder)}:2:2`
  })
})

test('a survey reads quotes, line ends and byte order marks as the import does', async () => {
  const quoted = mkdtempSync(join(tmpdir(), 'nextrie-dataset-'))
  const rows = '\ufeff"user_or_session",item,timestamp_or_position\r\n"1,2","a,b",7\r\n'
  writeFileSync(join(quoted, 'interactions.csv.gz'), gzipSync(rows))

  const { events, lastEventId } = await surveyDataset(quoted)

  const [imported] = await all(readEventLines(quoted))
  expect(events).toBe(1)
  expect(JSON.stringify(imported)).toContain(JSON.stringify(lastEventId))
  rmSync(quoted, { recursive: true })
})

test('a damaged file is a failure, not an early end', async () => {
  const damaged = mkdtempSync(join(tmpdir(), 'nextrie-dataset-'))
  const rows = `user_or_session,item,timestamp_or_position\n${'1,a,1\n'.repeat(1000)}`
  writeFileSync(join(damaged, 'interactions.csv.gz'), gzipSync(rows).subarray(0, -20))

  await expect(all(readEventLines(damaged))).rejects.toThrow(/unexpected end of file/)
  rmSync(damaged, { recursive: true })
})

async function all(lines: AsyncIterable<DatasetLine>): Promise<DatasetLine[]> {
  const collected: DatasetLine[] = []
  for await (const line of lines) collected.push(line)
  return collected
}
