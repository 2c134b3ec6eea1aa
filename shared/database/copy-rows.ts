// COPY: the fastest way for many rows into a relation. node-postgres has the messages of the protocol
// but no call for them, hence this one; it is a query as far as its queue of queries can tell.
import type pg from 'pg'
import type { Connection } from './pool.ts'

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
 * @param lines the rows in COPY's text format and in UTF-8: values as `escapeText` makes them or `\N` for
 * null, a tab between two, a line break behind each row. What is no text has to be as Postgres reads it.
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
 * The life of a COPY, in the messages of the protocol. We send the statement, the rows and their end at
 * once. Postgres answers what statements before it return (of no interest), that it takes rows
 * (CopyInResponse), the number of rows (CommandComplete), and that it waits for the next statement
 * (ReadyForQuery). Instead of any of these may come an error, or the end of the connection.
 *
 * The rows do not wait for the CopyInResponse: so they are there when a statement before it has waited
 * long for its lock, and nobody who waits for that lock waits for us. After an error Postgres passes
 * over rows that it did not take, by its protocol.
 */
class CopyQuery {
  readonly #statement: string
  readonly #lines: Buffer
  readonly #done: (error: Error | undefined, rows: number) => void
  #rows = 0
  /** node-postgres puts one here where statements have a time limit: called, it ends the limit. */
  callback?: () => void

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
    wire.sendCopyFromChunk(this.#lines)
    wire.endCopyFrom()
  }

  handleRowDescription(): void {}

  handleDataRow(): void {}

  handleCopyInResponse(): void {}

  handleCommandComplete({ text }: { readonly text: string }): void {
    if (text.startsWith('COPY ')) this.#rows = Number(text.slice('COPY '.length))
  }

  handleReadyForQuery(): void {
    this.callback?.()
    this.#done(undefined, this.#rows)
  }

  handleError(error: Error): void {
    this.callback?.()
    this.#done(error, 0)
  }
}
