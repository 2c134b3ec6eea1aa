import { afterAll, beforeAll, expect, test } from 'vitest'
import { isSecret, readKey } from '#shared/apikeys/api-key.ts'
import { createKey, listKeys, revokeKey, rotateKey } from '#shared/apikeys/stored-keys.ts'
import { createTestDatabase, type TestDatabase } from '#test/support/postgres.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

async function stored(keyId: string) {
  const keys = await listKeys(database.pool)
  return keys.find(key => key.keyId === keyId)!
}

test('a key is kept without its secret', async () => {
  const { keyId, key } = await createKey(database.pool, { name: 'shop', role: 'write' })
  const { rows } = await database.pool.query(
    'select row_to_json(api_keys)::text as row from api_keys'
  )
  const { secret } = readKey(key)!

  expect(await stored(keyId)).toMatchObject({ name: 'shop', role: 'write', isValid: true })
  expect(isSecret(secret, (await stored(keyId)).secretHash)).toBe(true)
  expect(rows[0].row).not.toContain(secret)
})

test('a revoked key is listed and not valid; revoking it again is refused', async () => {
  const { keyId } = await createKey(database.pool, { name: 'shop', role: 'read' })
  await revokeKey(database.pool, keyId)

  expect(await stored(keyId)).toMatchObject({ isValid: false })
  await expect(revokeKey(database.pool, keyId)).rejects.toThrow(`there is no valid key ${keyId}`)
})

test('a rotated key is valid until the overlap ends, the new one for good', async () => {
  const old = await createKey(database.pool, { name: 'shop', role: 'admin' })
  const made = await rotateKey(database.pool, old.keyId, 5)
  const before = await stored(old.keyId)

  expect(before.isValid).toBe(true)
  expect(before.endsAt!.getTime() - (await stored(made.keyId)).createdAt.getTime()).toBe(300_000)
  expect(await stored(made.keyId)).toMatchObject({ name: 'shop', role: 'admin', isValid: true })
  expect((await stored(made.keyId)).endsAt).toBeUndefined()

  await rotateKey(database.pool, old.keyId, 60)
  expect((await stored(old.keyId)).endsAt).toEqual(before.endsAt) // never longer
})
