// From one line of a data set to the message that a shop would have sent. Only the form of the line
// is judged here; whether the message is acceptable is for #shared/events to say.
//
// Times. The public sets say little about when: each row has only a place in its session. Rows of a
// session therefore lie one second apart, in their order, after the session's start:
// - `date`: the start is midnight of that day (UTC);
// - `rel_seconds` (since the user's first act): the start is that long after 2000-01-01;
// - neither: sessions are in order of time, so each starts two minutes after the one before it,
//   the first on 2000-01-01.
// The year 2000 stands for "no real date".

export type LineMeaning = { readonly message: unknown } | { readonly rejected: string }

/** A row of interactions by column. */
export type Row = Readonly<Record<string, string>>

/** The columns that become fields of the message; all others are kept in its `context`. */
const knownColumns = [
  'user_or_session',
  'item',
  'timestamp_or_position',
  'rel_seconds',
  'date'
] as const

const undatedStart = Date.UTC(2000, 0, 1)
const undatedSessionGapMs = 2 * 60_000 // longer than any session of the undated sets

/** The click of a row. `sessionNumber` counts the sessions before this one in the file. */
export function eventMessage(dataset: string, row: Row, sessionNumber: number): LineMeaning {
  const position = row.timestamp_or_position ?? ''
  if (!/^\d{1,9}$/.test(position)) {
    return { rejected: `timestamp_or_position is "${position}": it must be a whole number` }
  }
  const start = sessionStart(row, sessionNumber)
  if (typeof start === 'string') return { rejected: start }
  const context = Object.entries(row).filter(([column]) => !isKnown(column))
  const message = {
    id: eventId(dataset, row),
    type: 'click',
    time: new Date(start + Number(position) * 1000).toISOString(),
    session: row.user_or_session,
    item: row.item,
    ...(context.length > 0 && { context: Object.fromEntries(context) })
  }
  return { message }
}

/** The same for the same row every time, so that a second import appends nothing. */
export function eventId(dataset: string, row: Row): string {
  return `${dataset}:${row.user_or_session}:${row.timestamp_or_position}`
}

/** Milliseconds since 1970, or what is wrong. */
function sessionStart({ date, rel_seconds }: Row, sessionNumber: number): number | string {
  if (date !== undefined) {
    const start = /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : Number.NaN
    return Number.isNaN(start) ? `date is "${date}": it must be a day, as 2008-04-01` : start
  }
  if (rel_seconds === undefined) return undatedStart + sessionNumber * undatedSessionGapMs
  return /^\d{1,10}$/.test(rel_seconds)
    ? undatedStart + Number(rel_seconds) * 1000
    : `rel_seconds is "${rel_seconds}": it must be a whole number`
}

function isKnown(column: string): boolean {
  return (knownColumns as readonly string[]).includes(column)
}

/**
 * The item of a line of JSON: `item` is its key and everything else an attribute, except `index`,
 * which numbers the items in the order of their first events and would tell the model the answers.
 */
export function itemMessage(text: string): LineMeaning {
  let fields: unknown
  try {
    fields = JSON.parse(text)
  } catch (error) {
    return { rejected: `it is not JSON: ${(error as Error).message}` }
  }
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields)) {
    return { rejected: 'it is not a JSON object' }
  }
  const { item, index: _, ...attributes } = fields as Record<string, unknown>
  const entries = Object.entries(attributes).flatMap(([name, value]) => attribute(name, value))
  return { message: { id: item, attributes: Object.fromEntries(entries) } }
}

/** A list of `name:value` pairs is taken apart; of several category paths each becomes one label. */
function attribute(name: string, value: unknown): [name: string, value: unknown][] {
  if (!Array.isArray(value)) return [[name, value]]
  const isPairs = name === 'attributes' && value.every(each => /^\w+:./.test(String(each)))
  if (isPairs) {
    return value.map(pair => [pair.slice(0, pair.indexOf(':')), pair.slice(pair.indexOf(':') + 1)])
  }
  return [[name, value.map(each => (Array.isArray(each) ? each.join(' > ') : each))]]
}
