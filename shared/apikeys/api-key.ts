// What an API key is: `nextrie_<id>_<secret>`. The id is public, names the key in lists and logs, and
// finds its row; the secret has 256 random bits.
//
// Kept is only the secret's SHA-256. Slow hashes (scrypt, argon2) are for passwords, which people
// choose and others can guess; nobody guesses 256 random bits, and a slow hash for each request
// would only help those who want to keep the service busy.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

/** What a key allows, each more than the one before it. */
export const roles = ['read', 'write', 'admin'] as const
export type Role = (typeof roles)[number]

/** Both parts of a key as it was sent. */
export interface KeyParts {
  readonly keyId: string
  readonly secret: string
}

/** A key in the hands of whoever made it, and never again. */
export interface NewKey {
  readonly keyId: string
  /** The whole key, as requests send it. */
  readonly key: string
  readonly secretHash: Buffer
}

const form = /^nextrie_([0-9a-f]{12})_([A-Za-z0-9_-]{43})$/

/** Makes a key of random bytes. */
export function makeKey(): NewKey {
  const keyId = randomBytes(6).toString('hex')
  const secret = randomBytes(32).toString('base64url')
  return { keyId, key: `nextrie_${keyId}_${secret}`, secretHash: hashSecret(secret) }
}

/** The parts of a key; nothing when the text is none. */
export function readKey(text: string): KeyParts | undefined {
  const [, keyId, secret] = form.exec(text) ?? []
  return keyId && secret ? { keyId, secret } : undefined
}

/** Whether the secret is the one that was hashed; takes as long for a wrong one. */
export function isSecret(secret: string, secretHash: Buffer): boolean {
  return timingSafeEqual(hashSecret(secret), secretHash)
}

/** Whether a key of this role may do what needs the other one. */
export function mayAct(role: Role, needed: Role): boolean {
  return roles.indexOf(role) >= roles.indexOf(needed)
}

function hashSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
