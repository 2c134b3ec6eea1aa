// Draws Recall@10 of each scheme as two bars, the generator alone and the final ranking, as SVG.
import { mean, type SchemeSummary } from './summarise.ts'

const [left, top, rowHeight, barWidth, right] = [230, 46, 34, 460, 60]
const parts = [
  { part: 'generator', name: 'generator alone', colour: '#2f6f8f' },
  { part: 'final', name: 'with the final ranking', colour: '#d08c2e' }
] as const

/** @param paper a line at what another generator reached. */
export function plotSchemes(rows: readonly SchemeSummary[], paper?: number): string {
  const recall = (row: SchemeSummary, part: 'generator' | 'final') =>
    mean(row.runs.map(run => run[part].all.recall[10]))
  const values = rows.flatMap(row => parts.map(({ part }) => recall(row, part)))
  const most = Math.max(paper ?? 0, 0.01, ...values) * 1.08
  const x = (value: number) => left + (value / most) * barWidth
  const height = top + rows.length * rowHeight + 30
  const ordered = [...rows].sort((a, b) => recall(b, 'generator') - recall(a, 'generator'))
  const bars = ordered.flatMap((row, r) => {
    const y = top + r * rowHeight
    return [
      text(left - 8, y + 17, row.scheme, 'end'),
      ...parts.flatMap(({ part, colour }, p) => {
        const value = recall(row, part)
        const at = y + 2 + p * 13
        return [
          `<rect x="${left}" y="${at}" width="${(x(value) - left).toFixed(1)}" height="11" fill="${colour}"/>`,
          text(x(value) + 4, at + 9, value.toFixed(4).replace(/^0/, ''), 'start', 10)
        ]
      })
    ]
  })
  const legend = parts.flatMap(({ name, colour }, p) => [
    `<rect x="${left + p * 170}" y="14" width="11" height="11" fill="${colour}"/>`,
    text(left + p * 170 + 16, 23, name)
  ])
  const line = paper
    ? [
        `<line x1="${x(paper).toFixed(1)}" y1="${top - 6}" x2="${x(paper).toFixed(1)}" y2="${height - 24}" ` +
          'stroke="#a33" stroke-dasharray="4 3"/>',
        text(x(paper), height - 10, `CID+IID as printed ${paper}`, 'middle', 10)
      ]
    : []
  const width = left + barWidth + right
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" ` +
    `height="${height}" font-family="sans-serif">\n<title>Recall@10 of each item-ID scheme</title>\n` +
    `<rect width="${width}" height="${height}" fill="#fff"/>\n` +
    `${[...legend, ...bars, ...line].join('\n')}\n</svg>\n`
  )
}

function text(x: number, y: number, words: string, anchor = 'start', size = 12): string {
  const escaped = words.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${x.toFixed(1)}" y="${y}" font-size="${size}" text-anchor="${anchor}" fill="#222">${escaped}</text>`
}
