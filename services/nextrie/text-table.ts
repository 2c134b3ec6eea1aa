// Lays out rows for reading in a terminal: columns as wide as their widest cell, numbers to the right.

/** @returns lines without a newline at the end; the headings alone when there are no rows. */
export function textTable(
  headings: readonly string[],
  rows: readonly (readonly (string | number)[])[]
): string {
  const lines = [headings, ...rows]
  const widths = headings.map((_, column) =>
    lines.reduce((widest, line) => Math.max(widest, String(line[column] ?? '').length), 0)
  )
  const isNumeric = headings.map((_, column) =>
    rows.every(row => typeof row[column] === 'number' || row[column] === '')
  )
  const layOut = (line: readonly (string | number)[]) =>
    widths
      .map((width, column) => {
        const text = String(line[column] ?? '')
        return isNumeric[column] ? text.padStart(width) : text.padEnd(width)
      })
      .join('  ')
      .trimEnd()
  return lines.map(layOut).join('\n')
}
