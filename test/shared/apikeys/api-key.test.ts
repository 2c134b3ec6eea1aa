import { expect, test } from 'vitest'
import { isSecret, makeKey, mayAct, readKey } from '#shared/apikeys/api-key.ts'

test('a key is read back into its id and its secret', () => {
  const { keyId, key, secretHash } = makeKey()
  const parts = readKey(key)!

  expect(parts.keyId).toBe(keyId)
  expect(Buffer.from(parts.secret, 'base64url')).toHaveLength(32)
  expect(isSecret(parts.secret, secretHash)).toBe(true)
})

test('no two keys are alike, and the secret of one is not that of another', () => {
  const [one, other] = [makeKey(), makeKey()]

  expect(one.key).not.toBe(other.key)
  expect(isSecret(readKey(one.key)!.secret, other.secretHash)).toBe(false)
})

test.each([
  '',
  'nextrie_',
  'nextrie_0123456789ab_',
  `${makeKey().key}x`,
  makeKey().key.slice(0, -1)
])('%j is no key', text => {
  expect(readKey(text)).toBeUndefined()
})

test('each role may do what the roles before it may', () => {
  const allowed = (['read', 'write', 'admin'] as const).map(role => [
    mayAct(role, 'read'),
    mayAct(role, 'write'),
    mayAct(role, 'admin')
  ])

  expect(allowed).toEqual([
    [true, false, false],
    [true, true, false],
    [true, true, true]
  ])
})
