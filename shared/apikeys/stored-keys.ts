// The API keys in Postgres: made, listed, rotated and revoked by the command line, read by serving.
import { type Connection, type Pool, withTransaction } from '#shared/database/pool.ts'
import { RecommenderError } from '#shared/runtime/errors.ts'
import { makeKey, type NewKey, type Role } from './api-key.ts'

/** A key without its secret. */
export interface StoredKey {
  readonly keyId: string
  readonly name: string
  readonly role: Role
  readonly secretHash: Buffer
  readonly createdAt: Date
  /** Not valid from then on; for good when absent. */
  readonly endsAt?: Date
  /** By the database's clock. */
  readonly isValid: boolean
}

/** Makes a key and keeps its hash. What comes back is the only time that the key is seen. */
export async function createKey(
  connection: Connection,
  { name, role }: { readonly name: string; readonly role: Role }
): Promise<NewKey> {
  const made = makeKey()
  await connection.query(
    'insert into api_keys (key_id, name, role, secret_hash) values ($1, $2, $3, $4)',
    [made.keyId, name, role, made.secretHash]
  )
  return made
}

/** All keys that ever were, oldest first. */
export async function listKeys(connection: Connection): Promise<StoredKey[]> {
  const { rows } = await connection.query<KeyRow>(
    `select key_id, name, role, secret_hash, created_at, ends_at,
            ends_at is null or ends_at > now() as is_valid
     from api_keys order by created_at, key_id`
  )
  return rows.map(keyOf)
}

/**
 * Ends a key now.
 *
 * @throws ARGUMENT_INVALID when there is no valid key of that id.
 */
export async function revokeKey(connection: Connection, keyId: string): Promise<void> {
  await endKey(connection, keyId, 0)
}

/**
 * Makes another key of the same name and role; the old one ends after `overlapMinutes`, in which its
 * users take the new one.
 *
 * @throws ARGUMENT_INVALID when there is no valid key of that id.
 */
export async function rotateKey(
  pool: Pool,
  keyId: string,
  overlapMinutes: number
): Promise<NewKey> {
  return withTransaction(pool, async connection => {
    const { name, role } = await endKey(connection, keyId, overlapMinutes)
    return createKey(connection, { name, role })
  })
}

/** A key that ends already is never given longer. */
async function endKey(connection: Connection, keyId: string, inMinutes: number) {
  const { rows } = await connection.query<Pick<KeyRow, 'name' | 'role'>>(
    `update api_keys set ends_at = least(ends_at, now() + $2 * interval '1 minute')
     where key_id = $1 and (ends_at is null or ends_at > now())
     returning name, role`,
    [keyId, inMinutes]
  )
  const [ended] = rows
  if (ended) return ended
  throw new RecommenderError(
    'ARGUMENT_INVALID',
    `there is no valid key ${keyId}; \`nextrie keys list\` shows the ids`
  )
}

interface KeyRow {
  readonly key_id: string
  readonly name: string
  readonly role: Role
  readonly secret_hash: Buffer
  readonly created_at: Date
  readonly ends_at: Date | null
  readonly is_valid: boolean
}

function keyOf(row: KeyRow): StoredKey {
  return {
    keyId: row.key_id,
    name: row.name,
    role: row.role,
    secretHash: row.secret_hash,
    createdAt: row.created_at,
    ...(row.ends_at && { endsAt: row.ends_at }),
    isValid: row.is_valid
  }
}
