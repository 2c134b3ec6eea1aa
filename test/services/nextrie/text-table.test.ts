import { expect, test } from 'vitest'
import { textTable } from '#services/nextrie/text-table.ts'

test('columns are as wide as their widest cell and numbers stand to the right', () => {
  const table = textTable(
    ['item', 'score', 'source'],
    [
      ['A13', 7, 'generated'],
      ['B', 110, 'new']
    ]
  )

  expect(table).toBe('item  score  source\nA13       7  generated\nB       110  new')
})

test('without rows the headings are left', () => {
  expect(textTable(['item', 'score'], [])).toBe('item  score')
})

test('there is no limit to the rows', () => {
  const rows = Array.from({ length: 200_000 }, () => ['a', 1])

  expect(textTable(['item', 'score'], rows).length).toBe('item  score\n'.length * 200_001 - 1)
})
