// Arrays as Postgres reads them. node-postgres writes them by itself, but at the moment of the query:
// who holds a lock then has better done so before.

/** The text of a `text[]`, which Postgres casts to other arrays too; null stays null. */
export function arrayLiteral(values: readonly (string | number | null)[]): string {
  return `{${values.map(element).join(',')}}`
}

function element(value: string | number | null): string {
  if (value === null) return 'NULL'
  const text = String(value)
  return /["\\]/.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : `"${text}"`
}
