// The evaluation as a table for people.
import type { EvaluationRow } from './evaluate.ts'

const columns = [
  ['Recall@10', 'recallAt10'],
  ['NDCG@10', 'ndcgAt10'],
  ['Recall@20', 'recallAt20'],
  ['MRR@20', 'mrrAt20'],
  ['coverage@10', 'coverageAt10']
] as const

/** Lines of equal length, a header first. */
export function reportTable(rows: readonly EvaluationRow[]): string {
  const width = Math.max(...rows.map(({ method }) => method.length))
  const header = ['method'.padEnd(width), ...columns.map(([title]) => title)].join('  ')
  const lines = rows.map(row =>
    [
      row.method.padEnd(width),
      ...columns.map(([title, metric]) => row[metric].toFixed(4).padStart(title.length))
    ].join('  ')
  )
  return [header, '-'.repeat(header.length), ...lines].join('\n')
}
