import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { freePort } from '#services/nextrie/ports.ts'

test('a port that another program has is not free, and is again when that has ended', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo

  expect(await freePort('127.0.0.1', port)).toBeUndefined()

  other.close()
  await once(other, 'close')
  expect(await freePort('127.0.0.1', port)).toBe(port)
})

test('port 0 finds a free one', async () => {
  expect(await freePort('127.0.0.1', 0)).toBeGreaterThan(0)
})
