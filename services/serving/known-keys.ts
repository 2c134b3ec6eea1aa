// The API keys as this process knows them. All of them are held here and read again by polling, so
// that no request waits for Postgres, and requests go on while it is away.
import { isSecret, type Role, readKey } from '#shared/apikeys/api-key.ts'
import { listKeys, type StoredKey } from '#shared/apikeys/stored-keys.ts'
import type { Pool } from '#shared/database/pool.ts'

export interface KnownKey {
  readonly keyId: string
  readonly role: Role
}

/** Both questions fail as long as the keys could not be read even once. */
export interface KnownKeys {
  /** Whether requests need a key. */
  areRequired(): Promise<boolean>
  /** The valid key of this text; nothing when there is none. */
  find(text: string): Promise<KnownKey | undefined>
  /** Reads the keys again. */
  refresh(): Promise<void>
}

/**
 * @param isLoopback whether only this machine can ask: then no key is needed until the first one is
 *   made. Whether any is valid still does not matter, so revoking the last one opens nothing.
 */
export function createKnownKeys(pool: Pool, isLoopback: boolean): KnownKeys {
  let known: ReadonlyMap<string, StoredKey> | undefined

  const read = async () => {
    known = new Map((await listKeys(pool)).map(key => [key.keyId, key]))
    return known
  }
  return {
    refresh: async () => {
      await read()
    },
    areRequired: async () => !isLoopback || (known ?? (await read())).size > 0,
    find: async text => {
      const parts = readKey(text)
      const key = parts && (known ?? (await read())).get(parts.keyId)
      if (!key || !isValid(key) || !isSecret(parts.secret, key.secretHash)) return undefined
      return { keyId: key.keyId, role: key.role }
    }
  }
}

/** A key may also end after it was read. */
function isValid({ isValid, endsAt }: StoredKey): boolean {
  return isValid && (!endsAt || endsAt.getTime() > Date.now())
}
