// COPY: the fastest way for many rows into a relation. node-postgres has the messages of the protocol
// but no call for them, hence this one; it is a query as far as its queue of queries can tell.
import type pg from 'pg'
import type { Connection } from './pool.ts'

/** A value of one column; what is no text has to be written as Postgres reads it. */
export type CopyValue = string | null

/** The connection of node-postgres as far as a query that copies needs it. */
interface Wire {
  query(text: string): void
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
}

/**
 * Copies rows into a relation, in their order.
 *
 * @param target relation and columns, such as `events (event_id, type)`. Part of the statement: never
 * from outside. So is what stands before it: statements that are to run first, in the same round trip.
 * @param lines the rows as `copyLine` makes them, in UTF-8.
 * @returns how many rows Postgres took.
 */
export async function copyRows(
  connection: Connection,
  target: string,
  lines: Buffer,
  before = ''
): Promise<number> {
  return new Promise((resolve, reject) => {
    const copy = new CopyQuery(`${before}copy ${target} from stdin`, lines, (error, rows) =>
      error ? reject(error) : resolve(rows)
    )
    ;(connection as pg.ClientBase).query(copy as unknown as pg.Submittable)
  })
}

/** One row in COPY's text format, its line break included. */
export function copyLine(values: readonly CopyValue[]): string {
  return `${values.map(value => (value === null ? '\\N' : escapeText(value))).join('\t')}\n`
}

const special = /[\\\t\n\r]/
const escapes: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\t': '\\t',
  '\n': '\\n',
  '\r': '\\r'
}

/** A text with neither tab nor line break in it; `unescapeText` undoes that. */
export function escapeText(text: string): string {
  return special.test(text) ? text.replace(/[\\\t\n\r]/g, character => escapes[character]!) : text
}

/** Undoes `escapeText`. */
export function unescapeText(text: string): string {
  return text.includes('\\') ? text.replace(/\\[\\tnr]/g, escaped => unescapes[escaped]!) : text
}

const unescapes: Readonly<Record<string, string>> = {
  '\\\\': '\\',
  '\\t': '\t',
  '\\n': '\n',
  '\\r': '\r'
}

/**
 * The life of a COPY, in the messages of the protocol: the statement; what statements before it return
 * (of no interest); Postgres says that it takes rows (CopyInResponse); the rows and their end; the
 * number of rows (CommandComplete); and that it waits for the next statement (ReadyForQuery). Instead
 * of any of these may come an error, or the end of the connection.
 */
class CopyQuery {
  readonly #statement: string
  readonly #lines: Buffer
  readonly #done: (error: Error | undefined, rows: number) => void
  #rows = 0

  constructor(
    statement: string,
    lines: Buffer,
    done: (error: Error | undefined, rows: number) => void
  ) {
    this.#statement = statement
    this.#lines = lines
    this.#done = done
  }

  submit(wire: Wire): void {
    wire.query(this.#statement)
  }

  handleRowDescription(): void {}

  handleDataRow(): void {}

  handleCopyInResponse(wire: Wire): void {
    wire.sendCopyFromChunk(this.#lines)
    wire.endCopyFrom()
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    if (text.startsWith('COPY ')) this.#rows = Number(text.slice('COPY '.length))
  }

  handleReadyForQuery(): void {
    this.#done(undefined, this.#rows)
  }

  handleError(error: Error): void {
    this.#done(error, 0)
  }
}
