// What a database can hold. Items and events name things in any script: one that is not in UTF-8 takes
// the schema, and fails at the first message that has another character.
import type { Connection } from './pool.ts'

export interface EncodingFault {
  readonly says: string
  readonly remedy: string
}

/** `undefined` when the database is in UTF-8. */
export async function findEncodingFault(
  connection: Connection
): Promise<EncodingFault | undefined> {
  const { rows } = await connection.query<{ name: string; encoding: string }>(
    `select current_database() as name, current_setting('server_encoding') as encoding`
  )
  const { name, encoding } = rows[0]!
  if (encoding === 'UTF8') return undefined
  return {
    says: `the database ${name} is in ${encoding}, which does not hold every text`,
    remedy: `make one in UTF-8: create database NAME encoding 'UTF8' locale 'C' template template0`
  }
}
