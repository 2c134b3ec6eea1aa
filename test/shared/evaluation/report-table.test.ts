import { expect, test } from 'vitest'
import { reportTable } from '#shared/evaluation/report-table.ts'

test('the table has a line for each method, all equally long', () => {
  const table = reportTable([
    { ...row('popularity'), recallAt10: 0.13642, coverageAt10: 0.05 },
    { ...row('nextrie'), recallAt10: 1 }
  ])

  expect(table).toBe(
    [
      'method      Recall@10  NDCG@10  Recall@20  MRR@20  coverage@10',
      '--------------------------------------------------------------',
      'popularity     0.1364   0.0000     0.0000  0.0000       0.0500',
      'nextrie        1.0000   0.0000     0.0000  0.0000       0.0000'
    ].join('\n')
  )
})

function row(method: string) {
  const zeros = { recallAt10: 0, ndcgAt10: 0, recallAt20: 0, mrrAt20: 0, coverageAt10: 0 }
  return { method, targets: 10, ...zeros }
}
